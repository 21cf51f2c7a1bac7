import hooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist*", "node_modules", "src/api/schema.d.ts"] },
  ...ts.configs.recommended,
  hooks.configs.flat["recommended-latest"],
  {
    rules: {
      "no-restricted-syntax": ["error", { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "Text is shown as text." }],
      "react-hooks/set-state-in-effect": "off",
      "react-hooks/refs": "off",
      eqeqeq: "error",
    },
  },
);
