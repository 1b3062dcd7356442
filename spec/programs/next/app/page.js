import Link from 'next/link';
import { Counter } from './counter';

export default function Home() {
  return (
    <main>
      <h1>Home</h1>
      <Counter />
      <Link href="/posts/1">First post</Link>
    </main>
  );
}
