/** The operator's own data: name, colours, support contact, legal links. */
import { answer, api, type Reply } from "@/lib/api";

export type Brand = Reply<"/brand">;

const NOBODY: Brand = {
  name: "",
  short_name: "",
  portal_name: "Kundenportal",
  logo: null,
  accent: "#0a5bd3",
  accent_dark: "#6ea8ff",
  support: { person: "", email: "", phone: "" },
  legal: { imprint: "", privacy: "", processing_agreement: "", security_txt: "" },
  authenticator: [],
  sites: [],
};

class BrandStore {
  current = $state.raw<Brand>(NOBODY);

  async load(): Promise<void> {
    this.current = await answer(api.GET("/brand"));
    colour(this.current.accent, this.current.accent_dark);
  }
}

export const brand = new BrandStore();

/** Ink that reads well on a colour: the better of white and near-black (WCAG contrast). */
export function inkOn(hex: string): string {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.0573 ? "#ffffff" : "#08142a";
}

/** A constructed style sheet: the security policy allows no style attributes and no inline sheets. */
function colour(light: string, dark: string): void {
  if (![light, dark].every((hex) => /^#[0-9a-f]{6}$/i.test(hex))) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`:root {
    --accent: light-dark(${light}, ${dark});
    --accent-ink: light-dark(${inkOn(light)}, ${inkOn(dark)});
  }`);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}
