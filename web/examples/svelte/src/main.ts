import "flantune/define";
import type {} from "flantune/svelte";

import { mount } from "svelte";
import Lesson from "./Lesson.svelte";

const target = document.getElementById("root");
if (target) mount(Lesson, { target });
