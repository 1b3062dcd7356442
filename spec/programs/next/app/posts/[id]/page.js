import { notFound } from 'next/navigation';

export const dynamic = 'force-dynamic';

export default async function Post({ params, searchParams }) {
  const { id } = await params;
  const { tone = 'plain' } = await searchParams;
  if (!/^\d+$/.test(id)) notFound();
  return (
    <article>
      <h1>Post {id}</h1>
      <p id="tone">{tone}</p>
    </article>
  );
}
