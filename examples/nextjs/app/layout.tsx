import type { ReactNode } from "react";
import "./globals.css";

// [locale]/layout.tsx has <html>, since it knows the language. This one is there for not-found.tsx beside it.
export default function RootLayout({ children }: { children: ReactNode }) {
  return children;
}
