import type { Random } from "./random.ts";

/** Words that made-up securities are named with. */
const FIRST = ["云", "海", "金", "东", "华", "天", "新", "瑞", "恒", "安", "泰", "宏", "启", "远", "明", "博"] as const;
const SECOND = [
  "岭",
  "川",
  "辰",
  "湖",
  "桥",
  "岳",
  "林",
  "源",
  "峰",
  "港",
  "原",
  "舟",
  "庭",
  "竹",
  "霖",
  "野",
] as const;

/** An industry as a stock list names it, and the end of a name in it. */
type Line = readonly [industry: string, ending: string];

const INDUSTRIES: readonly [Line, ...Line[]] = [
  ["银行", "银行"],
  ["软件服务", "软件"],
  ["化学制药", "药业"],
  ["电气设备", "电气"],
  ["半导体", "微电"],
  ["白酒", "酒业"],
  ["汽车配件", "汽配"],
  ["水泥", "建材"],
  ["火力发电", "电力"],
  ["仓储物流", "物流"],
  ["种植业", "农业"],
  ["专用机械", "机械"],
];

const AREAS = ["北京", "上海", "深圳", "广东", "浙江", "江苏", "四川", "湖北", "山东", "福建", "陕西", "云南"] as const;

export interface Naming {
  readonly name: string;
  readonly industry: string;
  readonly area: string;
}

export function drawNaming(random: Random): Naming {
  const [industry, word] = random.pick(INDUSTRIES);
  return { name: `${random.pick(FIRST)}${random.pick(SECOND)}${word}`, industry, area: random.pick(AREAS) };
}
