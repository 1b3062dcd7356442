export const dynamic = 'force-dynamic';

export function GET() {
  const encoder = new TextEncoder();
  const stream = new ReadableStream({
    async start(controller) {
      for (let event = 0; event < 5; event++) {
        controller.enqueue(encoder.encode(`data: ${event}\n\n`));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      controller.close();
    },
  });
  return new Response(stream, { headers: { 'content-type': 'text/event-stream' } });
}
