export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M16 2.5 27 7v8.2c0 6.7-4.5 11.6-11 14.3C9.5 26.8 5 21.9 5 15.2V7z" />
      <circle cx="16" cy="14" r="3.4" />
      <path className="keyhole" d="M14.6 16.5h2.8l.8 5h-4.4z" />
    </svg>
  );
}
