const NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"';

/** An SVG text as the address of a picture. As a picture it needs its namespace, which inside a page it may lack. */
export function pictureOf(svg: string): string {
  const whole = svg.includes("xmlns=") ? svg : svg.replace("<svg", `<svg ${NAMESPACE}`);
  return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(whole)}`;
}
