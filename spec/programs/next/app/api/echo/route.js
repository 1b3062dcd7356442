import { cookies } from 'next/headers';

export async function GET(request) {
  const jar = await cookies();
  const visits = Number(jar.get('visits')?.value ?? 0) + 1;
  jar.set('visits', String(visits), { httpOnly: true });
  return Response.json({ visits, query: Object.fromEntries(request.nextUrl.searchParams) });
}

export async function POST(request) {
  const body = await request.arrayBuffer();
  return new Response(body, { headers: { 'content-type': request.headers.get('content-type') } });
}
