// What a file of a dashboard may hold: Grafana's own types, with the words of its enums as plain JSON has them.
import type {
  AnnotationQuery,
  Dashboard,
  DataQuery,
  DataSourceRef,
  FieldConfig,
  Panel,
  RowPanel,
} from "@grafana/schema";
import type * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as stripes from "@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import type * as table from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as timeseries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

type Plain<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : unknown extends T
      ? T
      : T extends (infer U)[]
        ? Plain<U>[]
        : { [K in keyof T]: Plain<T[K]> };

/** A question to InfluxDB. Source: Grafana, `datasource/influxdb/types.ts`. */
interface Question extends Omit<DataQuery, "datasource"> {
  datasource: DataSourceRef;
  rawQuery: true;
  query: string;
  alias: string;
  resultFormat: "time_series" | "table";
}

/** Something that Grafana works out of questions. */
interface Expression extends Omit<DataQuery, "datasource"> {
  datasource: { type: "__expr__"; uid: "__expr__" };
  type: "math";
  expression: string;
}

/** Faults. `AnnotationTarget` of the schema knows only Grafana's own annotations. */
interface Faults extends Omit<AnnotationQuery, "target"> {
  target: {
    refId: string;
    fromAnnotations: true;
    query: string;
    textColumn: string;
    tagsColumn: string;
    timeEndColumn: string;
  };
}

interface Shown<Type extends string, Options, Custom>
  extends Omit<Panel, "type" | "targets" | "options" | "fieldConfig"> {
  type: Type;
  targets: (Question | Expression)[];
  options: Options;
  fieldConfig: {
    defaults: Omit<FieldConfig, "custom"> & { custom: Custom };
    overrides: [];
  };
}

type Drawn =
  | Shown<"stat", stat.Options, Record<string, never>>
  | Shown<"state-timeline", stripes.Options, stripes.FieldConfig>
  | Shown<"table", table.Options, Partial<table.FieldConfig>>
  | Shown<"timeseries", timeseries.Options, timeseries.FieldConfig>;

interface Row extends Omit<RowPanel, "panels"> {
  panels: Drawn[];
}

export type Page = Plain<
  Omit<Dashboard, "panels" | "annotations"> & {
    panels: (Drawn | Row)[];
    annotations: { list: Faults[] };
  }
>;
