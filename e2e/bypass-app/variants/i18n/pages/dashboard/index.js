export function getServerSideProps({ locale }) {
  return { props: { mark: "SECRET-MARK-dashboard", locale } };
}

export default function Page({ mark, locale }) {
  return (
    <h1>
      {mark} {locale}
    </h1>
  );
}
