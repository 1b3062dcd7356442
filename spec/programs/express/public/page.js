const headers = { 'content-type': 'application/json' };
const body = JSON.stringify({ from: 'the page' });
fetch('/echo?a=1', { method: 'PUT', headers, body })
  .then((response) => response.json())
  .then((answer) => {
    document.getElementById('out').textContent = answer.body.from;
  });
