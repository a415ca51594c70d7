"use strict";
// The explorer's script. It adds up integers as reprocess.maps.tally does and divides last; it knows the run only
// from the arrays within the page, and writes texts as texts, never as markup.
(async () => {
  const id = (name) => document.getElementById(name);
  const SVG = "http://www.w3.org/2000/svg";

  // --- elements -------------------------------------------------------------------------------

  function make(name, attributes = {}, ...children) {
    const svg = ["svg", "path", "g", "circle", "line", "rect", "text", "pattern", "defs", "title"].includes(name);
    const element = svg ? document.createElementNS(SVG, name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  // --- what is in the page ----------------------------------------------------------------------

  async function unpack(text) {
    const letters = atob(text), packed = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) packed[i] = letters.charCodeAt(i);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    let at = 4 + new DataView(bytes.buffer).getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, at)));
    const types = { u1: Uint8Array, u2: Uint16Array, i4: Int32Array, f4: Float32Array };
    const arrays = {};
    function planes(kind, size) {
      const values = new types[kind](size), own = new Uint8Array(values.buffer), width = types[kind].BYTES_PER_ELEMENT;
      for (let byte = 0; byte < width; byte++, at += size) {
        for (let i = 0, to = byte; i < size; i++, to += width) own[to] = bytes[at + i];
      }
      return values;
    }
    for (const [name, kind, size, steps, distinct] of head.arrays) {
      if (distinct) {
        const table = planes(kind, distinct), codes = planes(distinct > 256 ? "u2" : "u1", size), values = new types[kind](size);
        for (let i = 0; i < size; i++) values[i] = table[codes[i]];
        arrays[name] = values;
      } else {
        const values = arrays[name] = planes(kind, size);
        if (steps) for (let i = 1; i < size; i++) values[i] += values[i - 1];
      }
    }
    return [head.facts, arrays];
  }

  if (typeof DecompressionStream === "undefined") {
    id("told").textContent = "This browser is too old for this page: it has no DecompressionStream (all have had it since 2023).";
    return;
  }
  const [facts, data] = await unpack(id("packed").textContent);
  id("packed").remove();

  const nL = facts.L_edges.length - 1, nM = facts.MLT_edges.length - 1, bins = nL * nM;
  const periods = facts.months.length, slots = facts.satellites.length * periods;
  const month = Int32Array.from(facts.months, (text) => Number(text.slice(5)) - 1);
  const year = Int32Array.from(facts.months, (text) => Number(text.slice(0, 4)));
  // Sums lie by group, satellite, period and hemisphere: of each such stretch the group, the side (2 * slot + south)
  // and where it begins; of each sum the bin.
  const sums = { bin: new Uint16Array(data.place.length), group: [], side: [], begin: [] };
  for (let group = 0, at = 0; group < facts.groups.length; group++) {
    let side = -1;
    for (const end = at + facts.groups[group][3]; at < end; at++) {
      const place = data.place[at];
      if (side < 0 || place >= (side + 1) * bins) {
        side = Math.floor(place / bins);
        sums.group.push(group);
        sums.side.push(side);
        sums.begin.push(at);
      }
      sums.bin[at] = place - side * bins;
    }
  }
  sums.begin.push(data.place.length);
  delete data.place;
  const sideOfEvent = Int32Array.from(data.bin, (_, i) => 2 * (data.satellite[i] * periods + data.period[i]) + (data.latitude[i] < 0 ? 1 : 0));
  const classes = facts.classes.map(([name]) => name);

  // --- what is chosen ---------------------------------------------------------------------------

  const chosen = {
    satellites: new Set(facts.satellites.keys()), first: Math.min(...year), last: Math.max(...year),
    time: "all", hemisphere: "both", part: -1, excluded: 0, shown: "both", quantity: "event_rate",
    bin: -1, order: "time", page: 0, event: -1,
  };

  // Whether each period is chosen, by hemisphere: [north, south].
  function inTime(period) {
    if (year[period] < chosen.first || year[period] > chosen.last) return [0, 0];
    const [kind, value] = chosen.time.split(" ");
    const season = Math.floor(((month[period] + 1) % 12) / 3);
    if (kind === "month") return [0, 0].fill(Number(month[period] === Number(value)));
    if (kind === "season") return [0, 0].fill(Number(season === Number(value)));
    if (kind === "local") return [0, 2].map((later) => Number((season + later) % 4 === Number(value)));
    return [1, 1];
  }

  // For each slot (satellite and period) and hemisphere whether it is chosen; the calendar blocks of all slots whose
  // satellite and years are chosen, numbered anew: seasons and hemispheres split a map, they do not end it earlier.
  function select() {
    const ok = new Uint8Array(2 * slots), seen = new Uint8Array(facts.blocks);
    for (const satellite of chosen.satellites) {
      for (let period = 0; period < periods; period++) {
        const slot = satellite * periods + period, [north, south] = inTime(period);
        ok[2 * slot] = chosen.hemisphere === "S" ? 0 : north;
        ok[2 * slot + 1] = chosen.hemisphere === "N" ? 0 : south;
        const within = year[period] >= chosen.first && year[period] <= chosen.last;
        if (within && data.days[slot]) seen[facts.block_of[period]] = 1;
      }
    }
    const number = new Int32Array(facts.blocks);
    let blocks = 0;
    for (let k = 0; k < facts.blocks; k++) number[k] = seen[k] ? blocks++ : -1;
    const row = Int32Array.from({ length: slots }, (_, slot) => number[facts.block_of[slot % periods]]);
    return { ok, blocks, row };
  }

  // --- sums ---------------------------------------------------------------------------------------

  const hasPart = (part) => chosen.part < 0 || part === chosen.part;

  function tally() {
    const { ok, blocks, row } = select();
    const empty = () => new Float64Array(blocks * bins);
    const kinds = [empty(), empty(), empty()], events = [empty(), empty()];
    const kept = facts.groups.map(([, part, flags]) => !(flags & chosen.excluded) && hasPart(part));
    for (let k = 0; k < sums.group.length; k++) {
      const side = sums.side[k];
      if (ok[side] && kept[sums.group[k]]) addStretch(kinds[facts.groups[sums.group[k]][0]], row[side >> 1] * bins, sums.begin[k], sums.begin[k + 1]);
    }
    const has = new Uint8Array(data.bin.length), { bin, event_class, quality_flags, part } = data, { excluded } = chosen;
    let count = 0, off = 0;
    const shown = classes.indexOf(chosen.shown);
    for (let i = 0; i < has.length; i++) {
      const side = sideOfEvent[i];
      if (!ok[side] || (quality_flags[i] & excluded) || (part && !hasPart(part[i]))) continue;
      has[i] = 1;
      if (shown < 0 || event_class[i] === shown) count++;
      if (bin[i] < 0) off++;
      else events[event_class[i]][row[side >> 1] * bins + bin[i]]++;
    }
    for (const total of kinds) for (let i = 0; i < total.length; i++) total[i] *= facts.sampling_s;
    return { blocks, dwell: kinds[0], within: kinds.slice(1), events, has, count, off };
  }

  function addStretch(total, first, begin, end) {
    const { bin } = sums, { records } = data;
    for (let at = begin; at < end; at++) total[first + bin[at]] += records[at];
  }

  // Sums over blocks and bins of `part`, a list of bins: of each block, and of all.
  function added(values, blocks, part) {
    const by = new Float64Array(blocks);
    let all = 0;
    for (let k = 0; k < blocks; k++) {
      let sum = 0;
      for (let j = 0, first = k * bins; j < part.length; j++) sum += values[first + part[j]];
      by[k] = sum;
      all += sum;
    }
    return { by, all };
  }

  // What seconds and, by class, events and seconds within them tell.
  function rates(dwell, events, within) {
    const seen = dwell >= facts.min_dwell_s, hours = seen ? dwell / 3600 : NaN;
    return { dwell, seen, classes: classes.map((_, k) => ({
      events: events[k], event_rate: events[k] / hours, precipitation: within[k], occurrence_fraction: within[k] / (seen ? dwell : NaN) })) };
  }

  // Everything about some bins together, by class, and by block what intervals are made of.
  function measure(part) {
    const dwell = added(now.dwell, now.blocks, part), events = now.events.map((values) => added(values, now.blocks, part));
    const found = rates(dwell.all, events.map((of) => of.all), now.within.map((values) => added(values, now.blocks, part).all));
    found.hours = dwell.by.map((s) => s / 3600);
    found.classes.forEach((own, k) => { own.by = events[k].by; });
    return found;
  }

  // The same of every bin, without blocks.
  function measureBins() {
    const over = (values) => {
      const all = new Float64Array(bins);
      for (let k = 0, at = 0; k < now.blocks; k++) for (let bin = 0; bin < bins; bin++, at++) all[bin] += values[at];
      return all;
    };
    const dwell = over(now.dwell), events = now.events.map(over), within = now.within.map(over);
    return range(bins).map((bin) => rates(dwell[bin], events.map((of) => of[bin]), within.map((of) => of[bin])));
  }

  // --- intervals: calendar blocks drawn with replacement, as maps.intervals does --------------------

  const drawn = new Map();
  const LOW = (1n << 64n) - 1n, WHOLE = (1n << 128n) - 1n, BY = 0x2360ed051fc65da44385df649fccf645n;

  function uniform() {  // NumPy's PCG64
    let state = BigInt(facts.interval.state);
    const increment = BigInt(facts.interval.increment);
    return () => {
      state = (state * BY + increment) & WHOLE;
      const mixed = (state >> 64n) ^ (state & LOW), turn = state >> 122n;
      const turned = ((mixed >> turn) | (mixed << ((64n - turn) & 63n))) & LOW;
      return Number(turned >> 11n) / 9007199254740992;
    };
  }

  function binomial(next, n, p) {  // NumPy's, by inversion
    if (n === 0 || p === 0) return 0;
    if (p > 0.5) return n - binomial(next, n, 1 - p);
    const q = 1 - p, start = Math.exp(n * Math.log(q)), bound = Math.min(n, Math.trunc(n * p + 10 * Math.sqrt(n * p * q + 1)));
    let x = 0, px = start, u = next();
    while (u > px) {
      x++;
      if (x > bound) { x = 0; px = start; u = next(); }
      else { u -= px; px = ((n - x + 1) * p * px) / (x * q); }
    }
    return x;
  }

  // How often each of so many blocks is drawn, draws by blocks.
  function draws(blocks) {
    if (drawn.has(blocks)) return drawn.get(blocks);
    const times = new Uint16Array(facts.interval.draws * blocks), next = uniform(), share = 1 / blocks;
    for (let k = 0; k < facts.interval.draws; k++) {
      let rest = 1, left = blocks;
      for (let j = 0; j < blocks - 1 && left > 0; j++, rest -= share) {
        const x = binomial(next, left, share / rest);
        times[k * blocks + j] = x;
        left -= x;
      }
      times[(k + 1) * blocks - 1] += left;
    }
    drawn.set(blocks, times);
    return times;
  }

  const agrees = (() => {  // computed once, when first asked
    let known;
    return () => known ??= draws(facts.blocks).reduce((sum, x, i) => sum + x * (i % 65521), 0) === facts.interval.draws_sum;
  })();

  function further(blocks) {
    const u = (2 / (blocks - 1)) / facts.interval.top - 1, c = facts.interval.further;
    let a = 0, b = 0;
    for (let k = c.length - 1; k > 0; k--) [a, b] = [2 * u * a - b + c[k], a];
    return (u * a - b + c[0]) * Math.sqrt(blocks / (blocks - 1));
  }

  function quantile(sorted, share) {
    const place = share * (sorted.length - 1), k = Math.floor(place);
    return sorted[k] + (sorted[Math.min(k + 1, sorted.length - 1)] - sorted[k]) * (place - k);
  }

  // Sums of blocks as often as each draw has them; one array is often asked for with several classes.
  const sumsOfDraws = new WeakMap();
  function drawnSums(values) {
    if (sumsOfDraws.has(values)) return sumsOfDraws.get(values);
    const times = draws(values.length), n = values.length, found = new Float64Array(facts.interval.draws);
    for (let k = 0, at = 0; k < found.length; k++) {
      let sum = 0;
      for (let j = 0; j < n; j++, at++) sum += times[at] * values[j];
      found[k] = sum;
    }
    sumsOfDraws.set(values, found);
    return found;
  }

  // Both limits of a rate, null where the blocks cannot give them.
  function interval(by, hours) {
    const total = hours.reduce((a, b) => a + b, 0), squares = hours.reduce((a, b) => a + b * b, 0);
    const events = by.reduce((a, b) => a + b, 0), blocks = squares ? (total * total) / squares : 0;
    if (!(blocks > facts.interval.min_blocks - 1e-6) || by.filter((n) => n > 0).length < facts.interval.min_blocks_with) return null;
    if (!agrees()) return null;
    const ratio = events / total, below = drawnSums(hours);
    const found = drawnSums(by).map((sum, k) => below[k] > 0 ? sum / below[k] : ratio).sort();
    const tail = (1 - facts.interval.confidence) / 2, more = further(blocks);
    const [low, high] = [quantile(found, tail), quantile(found, 1 - tail)];
    return [Math.max(ratio - more * (ratio - low), 0), ratio + more * (high - ratio)];
  }

  // --- words ------------------------------------------------------------------------------------------

  const digits = (x, n = 3) => Number.isFinite(x) ? String(Number(x.toPrecision(n))) : "none";
  const whole = (x) => x.toLocaleString("en");
  const nounOf = (x, noun) => (x === 1 ? noun : `${noun}s`);
  const counted = (x, noun) => `${whole(x)} ${nounOf(x, noun)}`;
  const edge = (edges, k) => `${edges[k]} to ${edges[k + 1]}`;
  const flagNames = (flags) => facts.flags.filter(([, bit]) => flags & bit).map(([name]) => name).join(" ");
  const stamp = (ms) => new Date(ms).toISOString();
  const QUANTITIES = {
    event_rate: ["event rate", "events per hour of dwell"],
    occurrence_fraction: ["share of time within events", "time within events over dwell"],
    events: ["events", "events"],
  };

  function inWords(found, k) {
    const own = found.classes[k], limits = found.seen ? interval(own.by, found.hours) : null;
    const rate = found.seen ? `${digits(own.event_rate, 4)} per hour` : "dwell too short for a rate";
    const range = limits ? ` (68 % interval ${digits(limits[0])} to ${digits(limits[1])})` : found.seen ? " (no interval)" : "";
    const share = found.seen ? `, ${digits(100 * own.occurrence_fraction, 3)} % of the time` : "";
    return `${classes[k]} ${counted(own.events, "event")}, ${rate}${range}${share}`;
  }

  function binInWords(bin) {
    const found = measure([bin]), i = Math.floor(bin / nM), j = bin % nM;
    const where = `L ${edge(facts.L_edges, i)}, MLT ${edge(facts.MLT_edges, j)} h`;
    if (!found.dwell) return `${where}: never observed`;
    return `${where}: dwell ${digits(found.dwell / 3600, 4)} h; ${classes.map((_, k) => inWords(found, k)).join("; ")}`;
  }

  // What is chosen of all there is, for paper too, where there is no form.
  function choiceInWords() {
    const words = [], first = Math.min(...year), last = Math.max(...year), label = (key) => id(`choose_${key}`).selectedOptions[0].textContent;
    if (chosen.shown !== "both") words.push(`${chosen.shown} alone`);
    if (chosen.satellites.size < facts.satellites.length) words.push([...chosen.satellites].sort((a, b) => a - b).map((k) => facts.satellites[k]).join(", ") || "no satellite");
    if (chosen.first > first || chosen.last < last) words.push(`${chosen.first} to ${chosen.last}`);
    if (chosen.time !== "all") words.push(label("time"));
    if (chosen.hemisphere !== "both") words.push(`${label("hemisphere")} hemisphere`);
    if (chosen.part >= 0) words.push(`of these days only the time with ${facts.activity.name} ${label("part")}`);
    if (chosen.excluded) words.push(`without ${flagNames(chosen.excluded)}`);
    return words.length ? `: ${words.join("; ")}` : "";
  }

  function command() {
    const words = ["reprocess map WORK", "--run", quoted(facts.run)];
    if (chosen.satellites.size < facts.satellites.length) for (const k of chosen.satellites) words.push("--satellite", facts.satellites[k]);
    if (chosen.first > Math.min(...year)) words.push("--start", `${chosen.first}-01-01`);
    if (chosen.last < Math.max(...year)) words.push("--end", `${chosen.last}-12-31`);
    if (chosen.hemisphere !== "both") words.push("--hemisphere", chosen.hemisphere);
    if (chosen.excluded) words.push("--exclude", flagNames(chosen.excluded).replaceAll(" ", ","));
    const [kind] = chosen.time.split(" "), by = kind === "all" ? [] : [kind === "local" ? "local_season" : kind];
    if (chosen.part >= 0) by.push(facts.activity.name);
    if (by.length) words.push("--by", by.join(","));
    if (chosen.part >= 0) words.push(...facts.activity.words.map(quoted));
    words.push(...facts.bin_words);
    if (words.length > 3) words.push("--name", "chosen");
    return words.join(" ");
  }

  const quoted = (text) => /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;

  // --- colours ----------------------------------------------------------------------------------------

  function roundUp(value) {
    const power = 10 ** Math.floor(Math.log10(value));
    return power * [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((m) => power * m >= value * (1 - 1e-9));
  }

  // About the lower limit of a Poisson mean (Wilson and Hilferty), which alone the colours' end needs.
  const atLeast = (n) => n > 0 ? n * (1 - 1 / (9 * n) - 1 / (3 * Math.sqrt(n))) ** 3 : 0;

  function scaleOf(measured) {
    let top = 0, largest = 0;
    for (const found of measured) for (const own of found.classes) {
      const value = own[chosen.quantity];
      if (!Number.isFinite(value)) continue;
      largest = Math.max(largest, value);
      top = Math.max(top, chosen.quantity === "events" || !own.events ? value : (value * atLeast(own.events)) / own.events);
    }
    top = top > 0 ? roundUp(top) : 1;
    return { top, beyond: largest > top };
  }

  const hue = (share, hues) => hues[Math.max(0, Math.min(hues.length - 1, Math.floor(share * hues.length)))];

  // --- dials ------------------------------------------------------------------------------------------

  const RADIUS = 100;
  const at = (L, hours) => {
    const r = (L / facts.L_edges[nL]) * RADIUS, a = (hours * Math.PI) / 12;
    return [r * Math.sin(a), r * Math.cos(a)];
  };
  const point = (L, hours) => at(L, hours).map((x) => x.toFixed(2)).join(" ");

  function outline(i, j) {
    const [inner, outer] = [facts.L_edges[i], facts.L_edges[i + 1]], [a, b] = [facts.MLT_edges[j], facts.MLT_edges[j + 1]];
    const steps = Math.ceil((b - a) / 6), hours = Array.from({ length: steps + 1 }, (_, k) => a + ((b - a) * k) / steps);
    const arc = (L, list, sweep) => list.slice(1).map((h) => {
      const r = ((L / facts.L_edges[nL]) * RADIUS).toFixed(2);
      return `A${r} ${r} 0 0 ${sweep} ${point(L, h)}`;
    }).join("");
    return `M${point(outer, a)}${arc(outer, hours, 0)}L${point(inner, b)}${arc(inner, hours.toReversed ? hours.toReversed() : [...hours].reverse(), 1)}Z`;
  }

  const outlines = Array.from({ length: bins }, (_, bin) => outline(Math.floor(bin / nM), bin % nM));
  const dials = [];

  function makeDial(name, title) {
    const hatch = make("pattern", { id: `hatch_${name}`, width: 4, height: 4, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      make("rect", { width: 4, height: 4, fill: facts.colours.thin }), make("line", { x1: 0, y1: 0, x2: 0, y2: 4, stroke: "#666", "stroke-width": 1 }));
    const svg = make("svg", { class: "dial", viewBox: "-116 -116 232 232", tabindex: 0, role: "application", "aria-roledescription": "dial of L and MLT", "aria-label": title }, make("defs", {}, hatch));
    const paths = outlines.map((d, bin) => make("path", { class: "bin", d, "data-bin": bin }));
    svg.append(make("g", {}, ...paths), ...decorations());
    const cursor = make("path", { fill: "none", stroke: "#d4006a", "stroke-width": 2.2, "pointer-events": "none" });
    svg.append(cursor);
    const caption = make("figcaption");
    const dial = { name, svg, paths, caption, cursor, at: 0 };
    svg.addEventListener("click", (e) => { const bin = e.target.dataset?.bin; if (bin !== undefined) chooseBin(Number(bin)); });
    svg.addEventListener("pointerover", (e) => { const bin = e.target.dataset?.bin; if (bin !== undefined) tellBin(Number(bin)); });
    svg.addEventListener("pointerleave", () => tellBin(chosen.bin));
    svg.addEventListener("keydown", (e) => moveOn(dial, e));
    svg.addEventListener("focus", () => point_at(dial));
    svg.addEventListener("blur", () => markBin());
    dials.push(dial);
    return make("figure", {}, make("h3", {}, title), svg, caption);
  }

  function decorations() {
    const lines = [];
    const step = Math.max(1, Math.ceil((facts.L_edges[nL] - facts.L_edges[0]) / 3));
    const plain = { fill: "none", stroke: "#444", "stroke-width": 0.4, "pointer-events": "none" };
    const rings = [];
    for (let L = Math.ceil(facts.L_edges[0]); L < facts.L_edges[nL] - 0.2; L += step) rings.push(L);
    const r = (L) => (L / facts.L_edges[nL]) * RADIUS;
    for (const L of [...rings, facts.L_edges[0], facts.L_edges[nL]]) lines.push(make("circle", { r: r(L), ...plain }));
    for (const L of rings) {
      const [x, y] = at(L, 7.5);
      lines.push(make("text", { x, y: y + 3, "text-anchor": "middle", "font-size": 8.5, stroke: "white", "stroke-width": 2.5, "paint-order": "stroke", "pointer-events": "none" }, L === rings[0] ? `L ${L}` : String(L)));
    }
    for (let h = 0; h < 24; h += 3) {
      const [x, y] = at(facts.L_edges[nL] * 1.085, h);
      lines.push(make("text", { x, y: y + 3.5, "text-anchor": "middle", "font-size": 9 }, h === 12 ? "12 h MLT" : String(h).padStart(2, "0")));
    }
    const earth = r(1) || 8, half = (sweep, fill) => make("path", { d: `M${-earth} 0A${earth} ${earth} 0 0 ${sweep} ${earth} 0Z`, fill, stroke: "black", "stroke-width": 0.5 });
    return [...lines, half(1, "white"), half(0, "black")];
  }

  function moveOn(dial, e) {
    const i = Math.floor(dial.at / nM), j = dial.at % nM;
    const to = { ArrowUp: [Math.min(i + 1, nL - 1), j], ArrowDown: [Math.max(i - 1, 0), j], ArrowRight: [i, (j + 1) % nM], ArrowLeft: [i, (j + nM - 1) % nM] }[e.key];
    if (to) { dial.at = to[0] * nM + to[1]; point_at(dial); }
    else if (e.key === "Enter" || e.key === " ") chooseBin(dial.at);
    else if (e.key === "Escape") chooseBin(-1);
    else return;
    e.preventDefault();
  }

  function point_at(dial) {
    dial.cursor.setAttribute("d", outlines[dial.at]);
    tellBin(dial.at);
  }

  function tellBin(bin) { id("bin").textContent = bin < 0 ? "No bin is chosen." : binInWords(bin); }

  function markBin() { for (const dial of dials) dial.cursor.setAttribute("d", chosen.bin < 0 ? "" : outlines[chosen.bin]); }

  function chooseBin(bin) {
    chosen.bin = bin === chosen.bin ? -1 : bin;
    chosen.page = 0;
    if (bin >= 0) for (const dial of dials) dial.at = bin;
    markBin();
    tellBin(chosen.bin);
    listEvents();
  }

  function paint(dial, colour, caption) {
    dial.paths.forEach((path, bin) => {
      const fill = colour(bin);
      path.setAttribute("fill", fill);
      path.setAttribute("stroke", fill.startsWith("url") ? facts.colours.thin : fill);
      path.setAttribute("stroke-width", 0.3);
    });
    dial.caption.textContent = caption;
  }

  function drawDials(measured) {
    const scale = scaleOf(measured);
    for (const [k, name] of classes.entries()) {
      const dial = dials[k], values = measured.map((found) => found.classes[k][chosen.quantity]);
      dial.svg.parentElement.hidden = chosen.shown !== "both" && chosen.shown !== name;
      const total = measured.reduce((n, found) => n + found.classes[k].events, 0);
      paint(dial, (bin) => {
        if (!measured[bin].dwell && !values[bin]) return facts.colours.unobserved;
        if (!measured[bin].seen) return `url(#hatch_${name})`;
        return values[bin] === 0 ? facts.colours.zero : hue(values[bin] / scale.top, facts.hues);
      }, `${counted(total, "event")} in bins; ${QUANTITIES[chosen.quantity][0]}`);
    }
    const hours = measured.map((found) => found.dwell / 3600), positive = hours.filter((h) => h > 0);
    const low = Math.floor(Math.log10(Math.min(...positive))), high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...positive))));
    const all = hours.reduce((a, b) => a + b, 0);
    paint(dials[2], (bin) => hours[bin] > 0 ? hue((Math.log10(hours[bin]) - low) / (high - low), facts.hues_of_dwell) : facts.colours.unobserved,
      positive.length ? `${whole(Math.round(all))} h; colours from ${10 ** low} h (pale) to ${10 ** high} h (dark), logarithmic` : "nothing was observed");
    drawBar(scale);
  }

  function drawBar({ top, beyond }) {
    const width = 320, hues = facts.hues, step = width / hues.length;
    const svg = make("svg", { viewBox: "0 0 380 44", role: "img", "aria-label": `Colours go from above 0 to ${digits(top)} ${QUANTITIES[chosen.quantity][1]}` });
    hues.forEach((colour, k) => svg.append(make("rect", { x: 30 + k * step, y: 2, width: step + 0.5, height: 11, fill: colour })));
    if (beyond) svg.append(make("path", { d: `M${30 + width} 2l12 5.5l-12 5.5Z`, fill: hues[hues.length - 1] }));
    for (const share of [0, 0.25, 0.5, 0.75, 1]) svg.append(make("text", { x: 30 + share * width, y: 26, "text-anchor": "middle", "font-size": 11 }, share ? digits(share * top) : ">0"));
    svg.append(make("text", { x: 30 + width / 2, y: 40, "text-anchor": "middle", "font-size": 11 }, QUANTITIES[chosen.quantity][1] + ", both classes"));
    id("bar").replaceChildren(svg);
  }

  function makeKey() {
    const words = [["zero", "observed, no event"], ["thin", `observed for under ${facts.min_dwell_s / 60} ${nounOf(facts.min_dwell_s / 60, "minute")} (hatched)`], ["unobserved", "never observed"]];
    id("key").replaceChildren(...words.map(([name, text]) => {
      const colour = facts.colours[name];
      const look = name === "thin" ? `repeating-linear-gradient(45deg,${colour} 0 3px,#666 3px 4px)` : colour;
      const item = make("span", {}, text);
      item.style.setProperty("--mine", look);
      return item;
    }));
  }

  // --- profiles ---------------------------------------------------------------------------------------

  const range = (n) => Array.from({ length: n }, (_, k) => k);
  const AXES = [
    { name: "L", edges: facts.L_edges, parts: range(nL).map((i) => range(nM).map((j) => i * nM + j)), ticks: 1 },
    { name: "MLT (h)", edges: facts.MLT_edges, parts: range(nM).map((j) => range(nL).map((i) => i * nM + j)), ticks: 3 },
  ];

  function profile(axis, intervals) {
    return axis.parts.map((part, k) => {
      const found = measure(part);
      return { from: axis.edges[k], to: axis.edges[k + 1], dwell: found.dwell, classes: found.classes.map((own) => ({
        events: own.events, event_rate: own.event_rate, limits: intervals && found.seen ? interval(own.by, found.hours) : null })) };
    });
  }

  function drawProfile(axis, rows) {
    const W = 460, H = 250, [left, right, up, down] = [46, 8, 24, 38];
    const rates = rows.flatMap((row) => row.classes.map((own) => own.event_rate)).filter(Number.isFinite);
    const top = 1.25 * Math.max(...rates, 0) || 1, first = axis.edges[0], last = axis.edges[axis.edges.length - 1];
    const x = (v) => left + ((v - first) / (last - first)) * (W - left - right), y = (v) => H - down - (v / top) * (H - up - down);
    const svg = make("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `Events per hour of dwell by ${axis.name}; the numbers are in the table below` });
    const line = (x1, y1, x2, y2, stroke = "#bbb", width = 0.6) => svg.append(make("line", { x1, y1, x2, y2, stroke, "stroke-width": width }));
    const text = (px, py, words, anchor = "middle") => svg.append(make("text", { x: px, y: py, "text-anchor": anchor, "font-size": 11 }, words));
    const step = roundUp(top / 5);
    for (let v = 0; v <= top * 0.999; v += step) { line(left, y(v), W - right, y(v)); text(left - 5, y(v) + 4, digits(v), "end"); }
    for (let v = Math.ceil(first / axis.ticks) * axis.ticks; v <= last; v += axis.ticks) { line(x(v), H - down, x(v), H - down + 4, "#444", 1); text(x(v), H - down + 16, String(v)); }
    line(left, H - down, W - right, H - down, "#444", 1);
    text((left + W) / 2, H - 6, axis.name);
    text(6, 14, "events per hour of dwell", "start");
    rows.forEach((row) => row.classes.forEach((own, k) => {
      if (!Number.isFinite(own.event_rate) || (chosen.shown !== "both" && chosen.shown !== classes[k])) return;
      const px = x(row.from + (row.to - row.from) * (0.35 + 0.3 * k)), colour = facts.classes[k][2];
      if (own.limits) {
        line(px, y(own.limits[0]), px, y(Math.min(own.limits[1], top)), colour, 1.4);
        if (own.limits[1] > top) svg.append(make("path", { d: `M${px - 4} ${up + 7}l4 -7l4 7Z`, fill: colour }));
      }
      svg.append(k ? make("rect", { x: px - 3, y: y(own.event_rate) - 3, width: 6, height: 6, fill: colour }) : make("circle", { cx: px, cy: y(own.event_rate), r: 3.2, fill: colour }));
    }));
    facts.classes.forEach(([name, , colour], k) => {
      svg.append(k ? make("rect", { x: W - 60, y: 7, width: 6, height: 6, fill: colour }) : make("circle", { cx: W - 107, cy: 10, r: 3.2, fill: colour }));
      text(W - (k ? 48 : 98), 14, name, "start");
    });
    return make("figure", {}, svg);
  }

  function tableOf(head, rows) {
    const line = (cells, name) => make("tr", {}, ...cells.map((cell, k) => make(name === "th" || k === 0 ? "th" : "td", name === "th" ? { scope: "col" } : k === 0 ? { scope: "row" } : { class: "n" }, cell)));
    return make("table", { class: "dense" }, make("thead", {}, line(head, "th")), make("tbody", {}, ...rows.map((row) => line(row, "td"))));
  }

  function drawProfiles(intervals) {
    const rows = AXES.map((axis) => profile(axis, intervals));
    id("profiles").replaceChildren(...AXES.map((axis, k) => drawProfile(axis, rows[k])));
    const head = ["bin", "dwell (h)", ...classes.flatMap((name) => [`${name} events`, `${name} per hour`, `${name} 68 % interval`])];
    id("profile_table").replaceChildren(...AXES.map((axis, k) => tableOf([`${axis.name}`, ...head.slice(1)], rows[k].map((row) => [
      `${row.from} to ${row.to}`, digits(row.dwell / 3600, 5),
      ...row.classes.flatMap((own) => [whole(own.events), digits(own.event_rate, 4), own.limits ? own.limits.map((v) => digits(v)).join(" to ") : "none"]),
    ]))));
    id("intervals").textContent = now.blocks < facts.interval.min_blocks
      ? `No intervals: they need ${facts.interval.min_blocks} calendar blocks of ${facts.interval.block_days} days, this choice has ${now.blocks}. reprocess map gives those of Poisson, a lower bound.`
      : !agrees() ? "No intervals: this browser draws other blocks than reprocess map does."
      : `Bars: 68 % intervals from drawing ${now.blocks} calendar blocks of ${facts.interval.block_days} days with replacement, none where a bin has the dwell of fewer than ${facts.interval.min_blocks} of them, or events in fewer than ${facts.interval.min_blocks_with}. REP: points, CSS: squares.`;
  }

  // --- events -----------------------------------------------------------------------------------------

  const PAGE = 25, SHOWN = ["L", "MLT", "latitude", "longitude", "max_e4_0", "probability"];
  const startOf = (i) => data.start_day[i] * 86400000 + data.start_ms[i];
  const durationOf = (i) => data.stop_after[i] / 1000 + facts.sampling_s;
  let listed = new Uint32Array(0);

  // A column of the event table as `reprocess events` prints it.
  function printed(name, i) {
    const start = startOf(i);
    if (name === "satellite") return facts.satellites[data.satellite[i]];
    if (name === "event_class") return classes[data.event_class[i]];
    if (name === "date") return stamp((data.start_day[i] + data.date_after[i]) * 86400000).slice(0, 10);
    if (name.endsWith("_time")) return stamp(start + (name === "start_time" ? 0 : data[name.replace("_time", "_after")][i]));
    if (name === "hemisphere") return data.latitude[i] < 0 ? "S" : "N";
    if (name === "duration_s") return floating(durationOf(i));
    return data[name] instanceof Float32Array ? single(data[name][i]) : String(data[name][i]);
  }

  function floating(value) {  // as Python prints it
    if (Number.isNaN(value)) return "";
    if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
    return Number.isInteger(value) ? `${value}.0` : String(value);
  }

  function single(value) {
    for (let n = 6; n < 9; n++) { const short = Number(value.toPrecision(n)); if (Math.fround(short) === value) return floating(short); }
    return floating(Number(value.toPrecision(9)));
  }

  // All events in an order, made once; of equal ones the first in the table is first.
  const orders = {};
  function inOrder(kind) {
    if (orders[kind]) return orders[kind];
    const key = { flux: (i) => -data.max_e4_0[i], long: (i) => -durationOf(i), time: startOf }[kind];
    const keys = Float64Array.from(data.bin, (_, i) => { const k = key(i); return Number.isNaN(k) ? Infinity : k; });
    return orders[kind] = Uint32Array.from(keys.keys()).sort((a, b) => (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : a - b));
  }

  function listEvents() {
    const of = chosen.shown === "both" ? -1 : classes.indexOf(chosen.shown);
    const order = inOrder(chosen.order), { bin, event_class } = data, kept = new Uint32Array(order.length);
    let n = 0;
    for (const i of order) if (now.has[i] && (of < 0 || event_class[i] === of) && (chosen.bin < 0 || bin[i] === chosen.bin)) kept[n++] = i;
    listed = kept.subarray(0, n);
    showPage();
  }

  function showPage() {
    const first = chosen.page * PAGE, rows = [...listed.subarray(first, first + PAGE)];
    const where = chosen.bin < 0 ? "" : " in the bin that is chosen", off = chosen.bin < 0 && now.off ? `, ${whole(now.off)} of all classes on no map (L outside, or interpolated)` : "";
    id("count").textContent = listed.length ? `${whole(first + 1)} to ${whole(first + rows.length)} of ${counted(listed.length, "event")}${where}${off}` : `No event${where}`;
    id("before").disabled = first === 0;
    id("after").disabled = first + PAGE >= listed.length;
    const units = Object.fromEntries(facts.columns.map(([name, , unit]) => [name, unit]));
    const head = ["number", "satellite", "class", "start (UTC)", "duration (s)", ...SHOWN.map((name) => units[name] === "1" ? name : `${name} (${units[name]})`), "flags"];
    const body = rows.map((i) => {
      const button = make("button", { type: "button", "aria-label": `Show event ${i + 1}` }, String(i + 1));
      const cells = [printed("satellite", i), printed("event_class", i), printed("start_time", i).slice(0, 19).replace("T", " "), digits(durationOf(i), 6), ...SHOWN.map((name) => digits(data[name][i], 4)), flagNames(data.quality_flags[i])];
      const row = make("tr", { "aria-selected": String(i === chosen.event), "data-event": i }, make("th", { scope: "row" }, button), ...cells.map((cell, k) => make("td", k > 2 && k < cells.length - 1 ? { class: "n" } : {}, cell)));
      row.addEventListener("click", () => showEvent(i));
      return row;
    });
    id("events").replaceChildren(make("caption", {}, "Events of what is chosen; the number is the row in what reprocess events prints"),
      make("thead", {}, make("tr", {}, ...head.map((name) => make("th", { scope: "col" }, name)))), make("tbody", {}, ...body));
  }

  function showEvent(i) {
    chosen.event = i;
    for (const row of id("events").querySelectorAll("tbody tr")) row.setAttribute("aria-selected", String(Number(row.dataset.event) === i));
    const pairs = facts.columns.map(([name, , unit, meaning]) => {
      const value = name === "quality_flags" ? `${data.quality_flags[i]} ${flagNames(data.quality_flags[i])}` : printed(name, i) || "missing";
      return make("tr", {}, make("th", { scope: "row", title: meaning }, name), make("td", {}, unit === "1" || name.endsWith("_time") ? value : `${value} ${unit}`));
    });
    const half = Math.ceil(pairs.length / 2), table = (rows) => make("table", { class: "facts dense" }, make("tbody", {}, ...rows));
    id("event").replaceChildren(make("h3", {}, `Event ${i + 1}: ${printed("event_class", i)}, ${printed("satellite", i)}, ${printed("start_time", i).slice(0, 19).replace("T", " ")} UTC`),
      ...passageOf(i), make("div", { class: "columns" }, table(pairs.slice(0, half)), table(pairs.slice(half))));
    id("event").scrollIntoView({ block: "nearest" });
  }

  // --- the passage of an event ------------------------------------------------------------------------

  const passages = new Map();
  for (let k = 0, at = 0; facts.passages && k < data.passage_event.length; at += data.passage_length[k++]) {
    passages.set(data.passage_event[k], { at, stop: at + data.passage_length[k], notes: facts.passages.notes[k] });
  }

  function passageOf(i) {
    const more = make("code", {}, `reprocess plot event WORK --run ${quoted(facts.run)} --number ${i + 1} -o event${i + 1}.png`);
    const found = passages.get(i);
    if (found) return [drawPassage(i, found), make("p", { class: "note" }, ...found.notes.map((note) => `${note}. `), "With flags, latitude and more time, by command: ", more)];
    const why = passages.size ? `Its records are not in this file, which has those of ${passages.size === 1 ? "the event" : `the ${whole(passages.size)} events`} with the largest E4 flux. By command: ` : "Its records, which are not in this file, by command: ";
    return [make("p", { class: "note" }, why, more)];
  }

  function drawPassage(i, { at, stop }) {
    const W = 720, H = 470, [left, right] = [64, 96], panels = [[16, 150], [166, 300], [316, 400]], { around_s: around, gap_s: gap, energies } = facts.passages;
    const end = data.stop_after[i] / 1000, x = (s) => left + ((s + around) / (end + 2 * around)) * (W - left - right);
    const label = `Records of event ${i + 1} and ${around} s on either side: fluxes of four energies at 0 and 90 degrees, probabilities of both classes`;
    const svg = make("svg", { class: "passage", viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": label });
    const text = (px, py, words, anchor = "middle", size = 11, fill = "black") => svg.append(make("text", { x: px, y: py, "text-anchor": anchor, "font-size": size, fill }, words));
    const line = (x1, y1, x2, y2, stroke = "#ccc", width = 0.6) => svg.append(make("line", { x1, y1, x2, y2, stroke, "stroke-width": width }));
    const half = facts.sampling_s / 2, colour = facts.classes[data.event_class[i]][2];
    const every = range(stop - at).map((k) => at + k), seconds = (k) => data.passage_ms[k] / 1000;
    const fluxes = (angle) => energies.map((_, k) => data[`passage_e${k + 1}_${angle}`]);
    const all = [...fluxes(0), ...fluxes(90)].flatMap((values) => every.map((k) => values[k])).filter((v) => v > 0);
    const low = Math.floor(Math.log10(Math.min(...all, 100))), high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...all, 100))));
    const curve = (values, y, stroke, dash = "none") => {
      let d = "", last = NaN;
      for (const k of every) {
        if (Number.isNaN(values[k]) || values[k] === null) { last = NaN; continue; }
        d += `${seconds(k) - last <= gap ? "L" : "M"}${x(seconds(k)).toFixed(1)} ${y(values[k]).toFixed(1)}`;
        if (!(seconds(k) - last <= gap)) d += "h.01";  // a record alone is a dot
        last = seconds(k);
      }
      svg.append(make("path", { d, fill: "none", stroke, "stroke-width": 1.3, "stroke-linecap": "round", "stroke-dasharray": dash }));
    };
    for (const [up, down] of panels) {
      svg.append(make("rect", { x: x(-half), y: up, width: x(end + half) - x(-half), height: down - up, fill: colour, opacity: 0.13 }));
      line(left, down, W - right, down, "#444", 1);
      line(left, up, left, down, "#444", 1);
    }
    [0, 90].forEach((angle, p) => {
      const [up, down] = panels[p], zero = down - 4;
      const y = (v) => v > 0 ? down - 12 - ((Math.log10(v) - low) / (high - low)) * (down - 12 - up) : zero;
      for (let d = low; d <= high; d++) { line(left, y(10 ** d), W - right, y(10 ** d)); text(left - 5, y(10 ** d) + 4, `1e${d}`, "end"); }
      text(left - 5, zero + 4, "0", "end", 9);
      text(left + 4, up + 10, `flux at ${angle}° (cm⁻² s⁻¹ sr⁻¹)`, "start");
      fluxes(angle).forEach((values, k) => curve(values, y, energies[k][1]));
    });
    energies.forEach(([name, stroke], k) => { line(W - right + 8, 26 + 16 * k, W - right + 20, 26 + 16 * k, stroke, 2.5); text(W - right + 24, 30 + 16 * k, name, "start", 10); });
    const [up, down] = panels[2], y = (v) => down - v * (down - up);
    for (const v of [0, 0.5, 1]) { line(left, y(v), W - right, y(v)); text(left - 5, y(v) + 4, String(v), "end"); }
    text(left + 4, up + 10, "probability", "start");
    facts.passages.classes.forEach(([name, stroke], k) => {
      const values = data[`passage_${name}`];
      curve({ ...Object.fromEntries(every.map((n) => [n, values[n] === 255 ? NaN : values[n] / facts.passages.steps])) }, y, stroke, k ? "5 3" : "none");
      line(W - right + 8, up + 10 + 16 * k, W - right + 28, up + 10 + 16 * k, stroke, 2);
      text(W - right + 32, up + 14 + 16 * k, name, "start", 10);
    });
    const step = [10, 20, 30, 60, 120, 300, 600].find((s) => (end + 2 * around) / s <= 8) ?? 1200, start = startOf(i);
    const first = Math.ceil((start / 1000 - around) / step) * step;
    ["UTC", "L", "MLT (h)"].forEach((name, k) => text(left - 8, down + 16 + 14 * k, name, "end", 10));
    for (let s = first; s <= start / 1000 + end + around; s += step) {
      const own = s - start / 1000, near = every.reduce((a, k) => Math.abs(seconds(k) - own) < Math.abs(seconds(a) - own) ? k : a, at);
      const known = Math.abs(seconds(near) - own) <= gap;
      line(x(own), down, x(own), down + 4, "#444", 1);
      text(x(own), down + 16, stamp(s * 1000).slice(11, 19), "middle", 10);
      for (const [k, name] of ["L", "MLT"].entries()) text(x(own), down + 30 + 14 * k, known && !Number.isNaN(data[`passage_${name}`][near]) ? data[`passage_${name}`][near].toFixed(k ? 1 : 2) : "–", "middle", 10);
    }
    text(left, H - 8, `Shaded: the event. Records of ${facts.sampling_s} s; 0: no count.`, "start", 10);
    return make("figure", {}, svg);
  }

  // --- files ------------------------------------------------------------------------------------------

  function save(lines, name) {
    const url = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
    const link = make("a", { href: url, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  function saveEvents() {
    const names = facts.columns.map(([name]) => name);
    const rows = [...listed.slice().sort()];
    save([["number", ...names].join(","), ...rows.map((i) => [i + 1, ...names.map((name) => printed(name, i))].join(","))], "events.csv");
  }

  function numbers() {
    const rows = [];
    classes.forEach((name, k) => range(bins).forEach((bin) => {
      const found = measure([bin]), own = found.classes[k], i = Math.floor(bin / nM), j = bin % nM;
      const [lower, upper] = (found.seen && interval(own.by, found.hours)) || [NaN, NaN];
      rows.push({ event_class: name, L_low: facts.L_edges[i], L_high: facts.L_edges[i + 1], MLT_low_h: facts.MLT_edges[j], MLT_high_h: facts.MLT_edges[j + 1],
        events: own.events, dwell_s: found.dwell, precipitation_s: own.precipitation, event_rate_per_h: own.event_rate,
        event_rate_lower_per_h: lower, event_rate_upper_per_h: upper, occurrence_fraction: own.occurrence_fraction });
    }));
    return rows;
  }

  function saveBins() {
    const rows = numbers(), names = Object.keys(rows[0]);
    save([names.join(","), ...rows.map((row) => names.map((name) => Number.isNaN(row[name]) ? "" : row[name]).join(","))], "bins.csv");
  }

  // --- the form ---------------------------------------------------------------------------------------

  function selecting(key, label, options, parse = String) {
    const list = make("select", { id: `choose_${key}` }, ...options.map(([value, text]) => make("option", { value }, text)));
    list.value = String(chosen[key]);
    list.addEventListener("change", () => { chosen[key] = parse(list.value); update(); });
    return make("div", {}, make("label", { class: "own", for: `choose_${key}` }, label), list);
  }

  function box(label, checked, change, meaning) {
    const input = make("input", { type: "checkbox" });
    input.checked = checked;
    input.addEventListener("change", () => { change(input.checked); update(); });
    return make("label", meaning ? { title: meaning } : {}, input, ` ${label}`);
  }

  function makeForm() {
    const years = [...new Set(year)].map((y) => [y, String(y)]), { seasons } = facts;
    const MONTHS = range(12).map((k) => [`month ${k}`, `month ${String(k + 1).padStart(2, "0")}`]);
    const times = [["all", "all"], ...seasons.map((s, k) => [`season ${k}`, `${s} (northern months)`]), ...seasons.map((s, k) => [`local ${k}`, `${s} of the hemisphere`]), ...MONTHS];
    const satellites = make("fieldset", { class: "wide" }, make("legend", {}, "Satellites"), make("div", { class: "boxes" },
      ...facts.satellites.map((name, k) => box(name, true, (on) => on ? chosen.satellites.add(k) : chosen.satellites.delete(k)))));
    const usable = facts.flags.filter(([, bit]) => facts.told & bit), rest = facts.flags.length - usable.length;
    const flags = make("fieldset", { class: "wide" }, make("legend", {}, "Leave out what has the flag"), make("div", { class: "boxes" },
      ...usable.map(([name, bit, meaning]) => box(name, false, (on) => { chosen.excluded = on ? chosen.excluded | bit : chosen.excluded & ~bit; }, meaning)),
      ...(rest ? [make("span", { class: "note" }, `${rest} flags cannot be left out: the run's dwell does not tell them (reprocess map --exclude says how to make it).`)] : []),
      ...(facts.flags.length ? [] : [make("span", { class: "note" }, "nothing here has a flag")])));
    const found = new Set([...facts.groups.map(([, part]) => part), ...(data.part ?? [])]);
    const activity = facts.activity ? [selecting("part", facts.activity.name, [["-1", "all"], ...facts.activity.labels.map((label, k) => [String(k), label]).filter(([k]) => found.has(Number(k)))], Number)] : [];
    id("choice").replaceChildren(
      selecting("shown", "Class", [["both", "both"], ...facts.classes.map(([name, label]) => [name, label])]),
      selecting("quantity", "Colours show", Object.entries(QUANTITIES).map(([name, [words]]) => [name, words])),
      selecting("first", "First year", years, Number), selecting("last", "Last year", years, Number),
      selecting("time", "Time of year", times),
      selecting("hemisphere", "Hemisphere", [["both", "both"], ["N", "northern"], ["S", "southern"]]), ...activity, satellites, flags);
    id("choice").addEventListener("submit", (e) => e.preventDefault());
  }

  // --- all together -----------------------------------------------------------------------------------

  let now, waiting;

  function update() {
    now = tally();
    chosen.page = 0;
    drawDials(measureBins());
    drawProfiles(false);
    clearTimeout(waiting);
    waiting = setTimeout(() => { drawProfiles(true); tellBin(chosen.bin); }, 30);  // intervals take longer
    const years = range(periods).filter((period) => year[period] >= chosen.first && year[period] <= chosen.last);
    const any = [...chosen.satellites].some((s) => years.some((period) => data.days[s * periods + period]));
    id("command").textContent = any ? command() : "none: no satellite-day is chosen";
    const times = range(periods).filter((period) => inTime(period).some(Boolean));
    const days = [...chosen.satellites].reduce((n, s) => times.reduce((m, period) => m + data.days[s * periods + period], n), 0);
    id("told").textContent = `${counted(now.count, "event")} on ${counted(days, "satellite-day")} ${now.count === 1 ? "is" : "are"} chosen${choiceInWords()}.`;
    markBin();
    listEvents();
  }

  makeForm();
  makeKey();
  id("dials").replaceChildren(...facts.classes.map(([name, label]) => makeDial(name, label)), makeDial("dwell", "dwell"));
  id("order").replaceChildren(...[["time", "of time"], ["flux", "largest E4 flux first"], ["long", "longest first"]].map(([value, text]) => make("option", { value }, text)));
  id("order").addEventListener("change", () => { chosen.order = id("order").value; chosen.page = 0; listEvents(); });
  id("before").addEventListener("click", () => { chosen.page--; showPage(); });
  id("after").addEventListener("click", () => { chosen.page++; showPage(); });
  id("events_csv").addEventListener("click", saveEvents);
  id("bins_csv").addEventListener("click", saveBins);
  id("choice").hidden = id("shown").hidden = false;
  window.explorer = { numbers, show: showEvent, profiles: () => AXES.map((axis) => profile(axis, true)) };  // for a browser's console
  update();
})();
