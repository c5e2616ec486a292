// Shows /api/v1/openapi.json. No library, nothing from elsewhere; text only ever goes in as text.

/** @param {string} name @param {Record<string, string>} [attributes] @param {...(Node | string)} children */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The shape of a schema as indented text; references are followed, each once on a path. */
function shape(schema, schemas, depth = 0, seen = []) {
  if (!schema || typeof schema !== 'object') return 'anything';
  if (schema.$ref) {
    const name = schema.$ref.split('/').pop();
    if (seen.includes(name) || depth > 6) return name;
    return shape(schemas[name], schemas, depth, [...seen, name]);
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map((one) => shape(one, schemas, depth, seen)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
  if (schema.type === 'array') return `[${shape(schema.items, schemas, depth, seen)}]`;
  if (schema.properties) {
    const space = '  '.repeat(depth + 1);
    const lines = Object.entries(schema.properties).map(([name, inner]) => {
      const optional = schema.required?.includes(name) ? '' : '?';
      const note = inner.description ? `   // ${inner.description.split('\n')[0]}` : '';
      return `${space}${name}${optional}: ${shape(inner, schemas, depth + 1, seen)}${note}`;
    });
    return `{\n${lines.join('\n')}\n${'  '.repeat(depth)}}`;
  }
  return schema.format ?? schema.type ?? 'anything';
}

function parameters(operation) {
  const rows = (operation.parameters ?? []).map((one) =>
    element(
      'tr',
      {},
      element('td', {}, element('code', {}, one.name)),
      element('td', {}, one.in + (one.required ? ', required' : '')),
      element('td', {}, shape(one.schema, {})),
      element('td', {}, one.description ?? ''),
    ),
  );
  return rows.length ? [element('h3', {}, 'Parameters'), element('table', {}, ...rows)] : [];
}

function contents(title, content, schemas) {
  return Object.entries(content ?? {}).flatMap(([type, one]) => [
    element('h3', {}, `${title} · ${type}`),
    element('pre', { tabindex: '0' }, shape(one.schema, schemas)),
  ]);
}

function answers(operation, schemas) {
  const all = Object.entries(operation.responses ?? {});
  const good = all.filter(([status]) => Number(status) < 400);
  const rows = all
    .filter(([status]) => Number(status) >= 400)
    .map(([status, one]) => element('tr', {}, element('td', {}, status), element('td', {}, one.description ?? '')));
  return [
    ...good.flatMap(([status, one]) => {
      const shown = contents(`Answer ${status}`, one.content, schemas);
      return shown.length ? shown : [element('h3', {}, `Answer ${status}`)];
    }),
    element('h3', {}, 'Problems'),
    element('table', {}, ...rows),
  ];
}

function call(path, method, operation, schemas) {
  const about = operation.summary ?? '';
  const summary = element(
    'summary',
    {},
    element('span', { class: 'method' }, method.toUpperCase()),
    element('code', {}, path),
    element('span', { class: 'about' }, about),
  );
  if (operation.security?.length === 0) summary.append(element('span', { class: 'public' }, 'public'));
  const details = element('details', { 'data-words': `${method} ${path} ${about}`.toLowerCase() }, summary);
  details.addEventListener(
    'toggle',
    () =>
      details.append(
        element(
          'div',
          {},
          ...(operation.description ? [element('p', {}, operation.description)] : []),
          ...parameters(operation),
          ...contents('Body', operation.requestBody?.content, schemas),
          ...answers(operation, schemas),
        ),
      ),
    { once: true },
  );
  return details;
}

function show(description) {
  const schemas = description.components?.schemas ?? {};
  const groups = new Map();
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags?.[0] ?? '';
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(call(path, method, operation, schemas));
    }
  }
  const sections = [...groups].sort().map(([tag, calls]) => element('section', {}, element('h2', {}, tag), ...calls));
  document.querySelector('#calls').replaceChildren(...sections);
}

document.querySelector('#find').addEventListener('input', (event) => {
  const word = event.target.value.toLowerCase();
  for (const details of document.querySelectorAll('details')) details.hidden = !details.dataset.words.includes(word);
  for (const section of document.querySelectorAll('section')) {
    section.hidden = !section.querySelector('details:not([hidden])');
  }
});

try {
  const answer = await fetch('/api/v1/openapi.json');
  if (!answer.ok) throw new Error(String(answer.status));
  show(await answer.json());
} catch (error) {
  document.querySelector('#calls').replaceChildren(element('p', {}, `The description cannot be had now (${error.message}).`));
}
