#include "client/cli/render/cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "client/cli/render/both_numbers.h"
#include "client/cli/render/unavailable.h"
#include "client/cli/render/window.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

using Columns = std::map<double, std::string>;

std::string UnitOf(const v1::QueryCacheResponse& response, const std::string& rate) {
  const auto found = std::find_if(response.rates().begin(), response.rates().end(),
                                  [&rate](const v1::RateDefinition& definition) { return definition.name() == rate; });
  return found == response.rates().end() ? "" : found->unit();
}

std::string ValueText(const std::string& unit, double value) {
  if (unit == "ratio") return fmt::format("{:.2f}%", value * 100);
  return unit == "per_second" ? fmt::format("{:.0f}", value) : fmt::format("{:.3f}", value);
}

// "~" before what is estimated, "?" behind what is doubtful.
std::string MarkedText(const std::string& text, bool estimated, bool doubtful) {
  return (estimated ? "~" : "") + text + (doubtful ? "?" : "");
}

// An extreme of spans whose ratio lay outside 0 to 1.
bool IsCut(const v1::RateValue& rate, double extreme) {
  return rate.contradictory_span_count() > 0 && (extreme <= 0 || extreme >= 1);
}

// The union over the threads.
Columns PercentileColumns(const v1::QueryCacheResponse& response) {
  Columns columns;
  for (const v1::ThreadCache& thread : response.threads()) {
    for (const v1::RateValue& rate : thread.rates()) {
      for (const v1::RatePercentile& percentile : rate.percentiles()) {
        columns[percentile.percent()] = fmt::format("p{:g}", percentile.percent());
      }
    }
  }
  return columns;
}

std::vector<std::string> RateCells(const v1::QueryCacheResponse& response, const v1::RateValue& rate, const Columns& columns) {
  const std::string unit = UnitOf(response, rate.name());
  std::vector<std::string> cells = {Printable(rate.name()), MarkedText(ValueText(unit, rate.mean()), rate.estimated(), rate.doubtful()),
                                    MarkedText(ValueText(unit, rate.lowest()), false, IsCut(rate, rate.lowest()))};
  for (const auto& [percent, title] : columns) {
    const auto found = std::find_if(rate.percentiles().begin(), rate.percentiles().end(),
                                    [percent = percent](const v1::RatePercentile& entry) { return entry.percent() == percent; });
    cells.push_back(found == rate.percentiles().end() ? "" : ValueText(unit, found->value()));
  }
  cells.push_back(MarkedText(ValueText(unit, rate.highest()), false, IsCut(rate, rate.highest())));
  return cells;
}

// Whose row it is; later rows of the same thread leave it empty.
std::vector<std::string> WhoCells(const v1::ThreadCache& thread) {
  const v1::ThreadId& id = thread.thread();
  return {Printable(id.comm()), BothNumbers(id.pid(), id.namespace_pid()), BothNumbers(id.tid(), id.namespace_tid()),
          FormatDuration(thread.on_cpu_ns()), std::to_string(thread.span_count())};
}

std::string RateTable(const v1::QueryCacheResponse& response) {
  const Columns percentiles = PercentileColumns(response);
  std::vector<Table::Column> columns = {{"thread", Table::Align::kLeft}, {"pid"}, {"tid"}, {"on CPU"}, {"spans"}};
  columns.push_back({"rate", Table::Align::kLeft});
  columns.push_back({"mean"});
  columns.push_back({"lowest"});
  for (const auto& [percent, title] : percentiles) columns.push_back({title});
  columns.push_back({"highest"});
  Table table(columns);
  for (const v1::ThreadCache& thread : response.threads()) {
    if (!thread.available()) continue;
    std::vector<std::string> row = WhoCells(thread);
    const auto add = [&](std::vector<std::string> cells) {
      row.insert(row.end(), cells.begin(), cells.end());
      table.AddRow(row);
      row = {"", "", "", "", ""};
    };
    for (const v1::RateValue& rate : thread.rates()) add(RateCells(response, rate, percentiles));
    if (thread.rates().empty()) add({thread.span_count() == 0 ? "did not run" : "none of these events: see --counts"});
  }
  return table.empty() ? "" : table.Print();
}

std::string CountTable(const v1::QueryCacheResponse& response) {
  Table table({{"thread", Table::Align::kLeft}, {"tid"}, {"event", Table::Align::kLeft}, {"in the window"}, {"since it is counted"}});
  const auto count_text = [](bool known, double value, bool estimated, bool doubtful) {
    return known ? MarkedText(fmt::format("{:.0f}", value), estimated, doubtful) : "";
  };
  for (const v1::ThreadCache& thread : response.threads()) {
    if (!thread.available()) continue;
    std::vector<std::string> who = {Printable(thread.thread().comm()), BothNumbers(thread.thread().tid(), thread.thread().namespace_tid())};
    for (const v1::CounterValue& counter : thread.counters()) {
      table.AddRow({who[0], who[1], Printable(counter.name()),
                    count_text(counter.has_value(), counter.value(), counter.estimated(), counter.doubtful()),
                    count_text(counter.has_total(), counter.total(), counter.total_estimated(), false)});
      who = {"", ""};
    }
  }
  return table.empty() ? "" : "\n" + table.Print();
}

std::string HeadText(const v1::QueryCacheResponse& response) {
  const v1::Window& window = response.window();
  std::string text = fmt::format("the last {}{}", FormatDuration(window.end_monotonic_ns() - window.begin_monotonic_ns()),
                                 WindowNote(window, response.time()));
  if (response.has_mean_span_ns()) {
    text += fmt::format(", in spans of {} (the widest {}; {} asked for)", FormatDuration(response.mean_span_ns()),
                        FormatDuration(response.widest_span_ns()), FormatDuration(response.interval_ns()));
  }
  return text + "\n";
}

// What the marks mean, where there are any.
std::string MarksText(const v1::QueryCacheResponse& response) {
  bool estimated = false;
  bool doubtful = false;
  for (const v1::ThreadCache& thread : response.threads()) {
    for (const v1::RateValue& rate : thread.rates()) {
      estimated |= rate.estimated();
      doubtful |= rate.doubtful() || IsCut(rate, rate.lowest()) || IsCut(rate, rate.highest());
    }
    for (const v1::CounterValue& counter : thread.counters()) {
      estimated |= counter.estimated() || counter.total_estimated();
      doubtful |= counter.doubtful();
    }
  }
  std::string text;
  if (estimated) text += "~ estimated: more events than counters, so each was counted in a part of the time: ask for fewer events\n";
  if (doubtful) {
    text += "? doubtful: the number of an event is not confirmed for this processor and it stayed 0, or events contradict each other\n";
  }
  return text;
}

std::string MissingText(const v1::QueryCacheResponse& response) {
  std::string text;
  for (const v1::UnavailablePart& part : response.unavailable()) {
    text += fmt::format("{}: unavailable: {}\n", Printable(part.part()), Printable(part.reason()));
  }
  if (response.cross_call_count() > 0) text += fmt::format("read now, by {}\n", Counted(response.cross_call_count(), "interrupt"));
  return text;
}

Json CounterJson(const v1::CounterValue& counter) {
  Json json = Json::object();
  if (counter.has_value()) {
    json["value"] = counter.value();
    json["estimated"] = counter.estimated();
  }
  if (counter.has_total()) {
    json["total"] = counter.total();
    json["total_estimated"] = counter.total_estimated();
  }
  if (counter.doubtful()) json["doubtful"] = true;
  return json;
}

Json RateSpansJson(const v1::RateValue& rate) {
  Json json{{"span_count", rate.span_count()}, {"lowest", rate.lowest()}};
  for (const v1::RatePercentile& percentile : rate.percentiles()) {
    std::string key = fmt::format("p{:g}", percentile.percent());
    std::replace(key.begin(), key.end(), '.', '_');
    json[key] = percentile.value();
  }
  json["highest"] = rate.highest();
  if (rate.estimated()) json["estimated"] = true;
  if (rate.doubtful()) json["doubtful"] = true;
  if (rate.contradictory_span_count() > 0) json["contradictory_span_count"] = rate.contradictory_span_count();
  return json;
}

}  // namespace

Json ThreadCacheJson(const v1::ThreadCache& thread) {
  Json json{
      {"tid", thread.thread().tid()}, {"comm", thread.thread().comm()}, {"pid", thread.thread().pid()}, {"available", thread.available()}};
  AddInnerNumbers(thread.thread(), &json);
  if (!thread.reason().empty()) json["reason"] = thread.reason();
  if (thread.available()) json["on_cpu_ns"] = thread.on_cpu_ns();
  if (thread.has_running_share()) json["running_share"] = thread.running_share();
  json["span_count"] = thread.span_count();
  if (thread.has_mean_span_ns()) json["mean_span_ns"] = thread.mean_span_ns();
  if (thread.has_widest_span_ns()) json["widest_span_ns"] = thread.widest_span_ns();
  json["reading_count"] = thread.reading_count();
  if (thread.has_counted_since_monotonic_ns()) json["counted_since_ns"] = thread.counted_since_monotonic_ns();
  if (thread.has_last_reading_monotonic_ns()) json["last_reading_ns"] = thread.last_reading_monotonic_ns();
  if (thread.read_now()) json["read_now"] = true;
  json["rates"] = Json::object();
  json["rate_spans"] = Json::object();
  for (const v1::RateValue& rate : thread.rates()) {
    json["rates"][rate.name()] = rate.mean();
    json["rate_spans"][rate.name()] = RateSpansJson(rate);
  }
  json["counters"] = Json::object();
  for (const v1::CounterValue& counter : thread.counters()) json["counters"][counter.name()] = CounterJson(counter);
  return json;
}

Json CounterEventJson(const v1::CounterEvent& event) {
  Json json{{"name", event.name()}};
  if (!event.metric().empty()) json["metric"] = event.metric();
  if (!event.counts().empty()) json["counts"] = event.counts();
  if (event.number_unchecked()) json["number_unchecked"] = true;
  return json;
}

std::string CacheText(const v1::QueryCacheResponse& response, bool counts) {
  std::string text;
  if (!response.available()) text = fmt::format("unavailable: {}\n", Printable(response.reason()));
  if (response.threads().empty()) return text.empty() ? "no thread is counted\n" : text + MissingText(response);
  return text + HeadText(response) + CacheTables(response, counts);
}

std::string CacheTables(const v1::QueryCacheResponse& response, bool counts) {
  std::string text = RateTable(response);
  if (counts) text += CountTable(response);
  return text + MarksText(response) + UnavailableText(response.threads()) + MissingText(response);
}

Json CacheJson(const v1::QueryCacheResponse& response) {
  Json json = NewAnswer();
  json["available"] = response.available();
  if (!response.reason().empty()) json["reason"] = response.reason();
  json["time"] = TimeJson(response.time());
  json["window"] = WindowJson(response.window());
  json["unslotted_thread_count"] = response.unslotted_thread_count();
  json["lost_span_count"] = response.lost_span_count();
  json["set_changed"] = response.set_changed();
  if (response.interval_ns() > 0) json["interval_ns"] = response.interval_ns();
  if (response.has_mean_span_ns()) json["mean_span_ns"] = response.mean_span_ns();
  if (response.has_widest_span_ns()) json["widest_span_ns"] = response.widest_span_ns();
  json["cross_call_count"] = response.cross_call_count();
  json["total_cross_call_count"] = response.total_cross_call_count();
  if (!response.read_now_error().empty()) json["read_now_error"] = response.read_now_error();
  AddCounterSetJson(response, &json);
  json["threads"] = Json::array();
  for (const v1::ThreadCache& thread : response.threads()) json["threads"].push_back(ThreadCacheJson(thread));
  json["unavailable"] = Json::array();
  for (const v1::UnavailablePart& part : response.unavailable()) {
    json["unavailable"].push_back({{"part", part.part()}, {"reason", part.reason()}});
  }
  // Promised beside these rates, and of samples, which interrupt the threads.
  json["unavailable"].push_back({{"part", "contended_lines"}, {"reason", "sampled on request: hftmon sharing PID"}});
  return json;
}

}  // namespace hftmon
