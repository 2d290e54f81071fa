export function getServerSideProps({ locale }) {
  return { props: { mark: "SECRET-MARK-files", locale } };
}

export default function Page({ mark, locale }) {
  return (
    <h1>
      {mark} {locale}
    </h1>
  );
}
