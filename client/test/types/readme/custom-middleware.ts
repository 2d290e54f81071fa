import { middleware } from "@/lib/auth";
import { NextRequest, NextResponse } from "next/server";
export default middleware((request, isAuthenticated, rule) => {
  // Custom logic here
  // Return NextResponse to override default behavior
  // Return undefined to use default behavior
});
