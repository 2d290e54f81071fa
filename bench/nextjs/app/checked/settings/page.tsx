/** The same page, behind proxy.ts. */
export { default } from "../../dashboard/settings/page";
