export function getStaticProps({ locale }) {
  return { props: { mark: "SECRET-MARK-dashboard-static", locale } };
}

export default function Page({ mark, locale }) {
  return (
    <h1>
      {mark} {locale}
    </h1>
  );
}
