// A client as another team writes it: its types are generated from /openapi.json, and no cast helps them along.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Course = components["schemas"]["ContentCourseOut"];
type Problem = components["schemas"]["Problem"];

function told(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`Set ${name}.`);
  return value;
}

function given<T>(answer: { data?: T; error?: Problem }): T {
  if (answer.data === undefined) throw new Error(answer.error?.detail ?? "There was no answer.");
  return answer.data;
}

const api = createClient<paths>({ baseUrl: told("GATEWAY") });
const course_id = told("COURSE_ID");

const tokens = given(
  await api.POST("/api/v1/auth/login", { body: { email: told("EMAIL"), password: told("PASSWORD") } }),
);
if (!("access_token" in tokens)) throw new Error("A second factor is wanted.");
api.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${tokens.access_token}`);
    return request;
  },
});

const courses: Course[] = given(await api.GET("/api/v1/content/courses", { params: { query: { limit: 10 } } })).items;
const outline = given(await api.GET("/api/v1/content/courses/{course_id}", { params: { path: { course_id } } }));
const lessons = outline.chapters.flatMap((chapter) => chapter.sections.flatMap((section) => section.lessons));
const missing = await api.GET("/api/v1/content/courses/{course_id}", {
  params: { path: { course_id: "01990000-0000-7000-8000-000000000000" } },
});
const problem: Problem | undefined = missing.error;

console.log(
  JSON.stringify({
    courses: courses.map((course) => course.id),
    lessons: lessons.length,
    missing: [missing.response.status, problem?.type],
  }),
);
