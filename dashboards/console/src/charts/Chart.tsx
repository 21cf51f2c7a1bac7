import { BarChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, MarkAreaComponent, TooltipComponent } from "echarts/components";
import { type EChartsCoreOption, init, use as register } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { type ReactNode, useEffect, useRef } from "react";

register([BarChart, LineChart, ScatterChart, GridComponent, MarkAreaComponent, TooltipComponent, CanvasRenderer]);

export type { EChartsCoreOption as Option };

interface Props {
  option: EChartsCoreOption;
  /** What the picture says, for those who do not see it. */
  label: string;
  className?: string;
  onClick?: (e: { dataIndex: number; seriesIndex: number; value: unknown }) => void;
}

export function Chart({ option, label, className = "chart-box", onClick }: Props): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const click = useRef(onClick);
  click.current = onClick;
  const drawn = useRef<ReturnType<typeof init> | null>(null);
  useEffect(() => {
    if (!box.current) return;
    const chart = init(box.current);
    drawn.current = chart;
    chart.on("click", (e) => click.current?.({ dataIndex: e.dataIndex, seriesIndex: e.seriesIndex ?? 0, value: e.value }));
    const observer = new ResizeObserver(() => chart.resize());
    observer.observe(box.current);
    return () => {
      observer.disconnect();
      chart.dispose();
      drawn.current = null;
    };
  }, []);
  useEffect(() => drawn.current?.setOption({ animation: false, ...option }, true), [option]);
  return <div ref={box} className={className} role="img" aria-label={label} />;
}
