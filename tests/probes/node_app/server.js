const { createServer } = require("node:http");

const turns = new Map();
const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

async function answer(messages) {
  const response = await fetch("https://openrouter.ai/api/v1/chat/completions", {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${process.env.OPENROUTER_API_KEY}` },
    body: JSON.stringify({ model: "anthropic/claude-sonnet-4.6", messages }),
  });
  return (await response.json()).choices[0].message.content;
}

function page(messages) {
  const shown = messages.map((m) => `<p class="${m.role}">${escaped(m.content)}</p>`).join("");
  return `<!DOCTYPE html><title>Small talk</title><section>${shown}</section>
    <form method="post" action="/messages"><label>Your message <textarea name="content"></textarea></label>
    <button>Send</button></form>`;
}

createServer(async (request, response) => {
  const id = /id=(\w+)/.exec(request.headers.cookie || "")?.[1] || Math.random().toString(36).slice(2);
  const mine = turns.get(id) || [];
  response.setHeader("Set-Cookie", `id=${id}; HttpOnly`);
  if (request.method === "POST") {
    let body = "";
    for await (const chunk of request) body += chunk;
    mine.push({ role: "user", content: new URLSearchParams(body).get("content") });
    mine.push({ role: "assistant", content: await answer(mine) });
    turns.set(id, mine);
    return response.writeHead(303, { Location: "/" }).end();
  }
  response.writeHead(request.url === "/" ? 200 : 404, { "Content-Type": "text/html" }).end(page(mine));
}).listen(process.env.PORT || 8080);
