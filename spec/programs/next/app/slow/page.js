import { Suspense } from 'react';

export const dynamic = 'force-dynamic';

async function Late() {
  await new Promise((resolve) => setTimeout(resolve, 200));
  return <p id="late">late content</p>;
}

export default function Slow() {
  return (
    <main>
      <h1>Slow</h1>
      <Suspense fallback={<p id="fallback">loading</p>}>
        <Late />
      </Suspense>
    </main>
  );
}
