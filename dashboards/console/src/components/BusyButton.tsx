import { Button, type ButtonProps } from "antd";
import type { ReactNode } from "react";

/** A button that does nothing while its last click is at work. It keeps its focus and its name; the spinner is only
 * drawn (antd's own is an icon that leaves with a motion, and stays in the button's name where the motion never ends). */
export function BusyButton({ busy, onClick, className, ...rest }: Omit<ButtonProps, "loading"> & { busy: boolean }): ReactNode {
  return (
    <Button {...rest} className={[className, busy ? "busy" : ""].filter(Boolean).join(" ")} aria-busy={busy || undefined}
      onClick={busy ? (e) => e.preventDefault() : onClick} />
  );
}
