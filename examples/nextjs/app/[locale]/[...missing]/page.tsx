import { notFound } from "next/navigation";

// Sends every unknown path of a language to not-found.tsx in that language.
export default function MissingPage() {
  notFound();
}
