import './style.css';

export const metadata = { title: 'Next.js program' };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
