import { mount } from "svelte";

import "@/ui/styles.css";
import App from "@/app/App.svelte";
import { listen } from "@/lib/router.svelte";

listen();
const target = document.getElementById("app");
if (target) mount(App, { target });
