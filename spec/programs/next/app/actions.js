'use server';

export async function add(a, b) {
  return `the server says ${a + b}`;
}
