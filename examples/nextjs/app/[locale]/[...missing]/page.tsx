import { notFound } from "next/navigation";

// Sends every unknown path to not-found.tsx, in the language of its prefix.
export default function MissingPage() {
  notFound();
}
