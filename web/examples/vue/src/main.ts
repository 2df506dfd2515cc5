import "flantune/define";
import type {} from "flantune/vue";

import { createApp } from "vue";
import Lesson from "./Lesson.vue";

createApp(Lesson).mount("#root");
