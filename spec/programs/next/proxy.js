import { NextResponse } from 'next/server';

export function proxy(request) {
  if (request.nextUrl.pathname === '/old') return NextResponse.redirect(new URL('/posts/1', request.url));
  const response = NextResponse.next();
  response.headers.set('x-proxy', 'seen');
  return response;
}

export const config = { matcher: ['/old', '/api/:path*'] };
