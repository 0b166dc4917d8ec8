#include "client/examples/order_book/report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "common/duration.h"

namespace hftmon::order_book {
namespace {

constexpr std::array<const char*, kMessageKinds> kMessageNames = {"limits", "markets", "cancels", "modifies"};
constexpr std::array<const char*, kResults> kResultNames = {"filled",        "resting", "dropped", "cancelled",
                                                            "unknown_order", "no_room", "refused"};

nlohmann::ordered_json OrNull(const std::optional<int64_t>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

// Lists named "events", at any depth.
void DropEvents(nlohmann::json* value) {
  if (value->is_object()) value->erase("events");
  if (!value->is_structured()) return;
  for (nlohmann::json& each : *value) DropEvents(&each);
}

nlohmann::ordered_json ThreadJson(pid_t tid, int cpu, int priority) {
  return {{"tid", tid}, {"cpu", cpu}, {"priority", priority}};
}

void AddLatencies(const RunResult& result, nlohmann::ordered_json* json) {
  (*json)["p50_ns"] = OrNull(result.p50_ns);
  (*json)["p90_ns"] = OrNull(result.p90_ns);
  (*json)["p99_ns"] = OrNull(result.p99_ns);
  (*json)["p99_9_ns"] = OrNull(result.p99_9_ns);
  (*json)["p99_99_ns"] = OrNull(result.p99_99_ns);
  (*json)["mean_ns"] = result.mean_ns;
  (*json)["max_ns"] = result.max_ns;
}

void AddBook(const RunResult& result, nlohmann::ordered_json* json) {
  for (size_t i = 0; i < kMessageNames.size(); ++i) (*json)[kMessageNames[i]] = result.totals.messages[i];
  (*json)["trades"] = result.totals.trade_count;
  (*json)["traded_quantity"] = result.totals.traded_quantity;
  for (size_t i = 0; i < kResultNames.size(); ++i) (*json)["results"][kResultNames[i]] = result.totals.results[i];
  (*json)["resting_orders"] = result.resting_count;
  (*json)["resting_quantity"] = result.resting_quantity;
  (*json)["best_bid"] = result.top.bid_price >= 0 ? nlohmann::ordered_json(result.top.bid_price) : nlohmann::ordered_json(nullptr);
  (*json)["best_ask"] = result.top.ask_price < kPriceTicks ? nlohmann::ordered_json(result.top.ask_price) : nlohmann::ordered_json(nullptr);
  (*json)["checksum"] = fmt::format("{:016x}", result.totals.checksum);
}

void AddMarkers(const RunResult& result, nlohmann::ordered_json* json) {
  nlohmann::ordered_json& markers = (*json)["markers"];
  markers["on"] = result.markers_on;
  if (!result.markers_reason.empty()) markers["reason"] = result.markers_reason;
  if (result.options.markers != MarkLevel::kOff) markers["marks"] = result.options.markers == MarkLevel::kAll ? "all" : "order";
  markers["records"] = result.mark_count;
}

std::string PercentileText(const char* name, const std::optional<int64_t>& value) {
  return fmt::format("{} {}", name, value ? FormatDuration(*value) : "(too few)");
}

}  // namespace

nlohmann::ordered_json ReportJson(const RunResult& result, bool events) {
  const Options& options = result.options;
  const Placement& placement = result.placement;
  nlohmann::ordered_json json;
  json["workload"] = "order_book";
  json["pid"] = getpid();
  json["seed"] = options.seed;
  json["loop"] = options.rate_per_s != 0 ? "open" : "closed";
  json["offered_orders_per_s"] = options.rate_per_s != 0 ? nlohmann::ordered_json(options.rate_per_s) : nlohmann::ordered_json(nullptr);
  AddMarkers(result, &json);
  json["start_mono_ns"] = result.start_mono_ns;
  json["elapsed_ns"] = result.elapsed_ns;
  json["orders"] = result.sent_count;
  json["orders_per_s"] = result.orders_per_s();
  AddLatencies(result, &json);
  json["behind"] = result.behind_count;
  json["queue_full"] = result.queue_full_count;
  json["gateway_late_max_ns"] = options.rate_per_s != 0 ? nlohmann::ordered_json(result.late_max_ns) : nlohmann::ordered_json(nullptr);
  AddBook(result, &json);
  json["threads"]["count"] = placement.threads;
  json["threads"]["gateway"] = placement.threads == 1 ? ThreadJson(result.gateway_tid, placement.engine_cpu, placement.engine_priority)
                                                      : ThreadJson(result.gateway_tid, placement.gateway_cpu, placement.gateway_priority);
  json["threads"]["engine"] = ThreadJson(result.engine_tid, placement.engine_cpu, placement.engine_priority);
  json["tsc"] = {{"hz", result.tsc_hz}, {"invariant", result.tsc_invariant}, {"backwards", result.backwards_count}};
  for (const auto& [name, passed] : result.Checks()) json["checks"][name] = passed;
  json["unsound"] = result.unsound.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(result.unsound);
  json["sound"] = result.sound();
  nlohmann::json injections = result.injections;
  if (!events) DropEvents(&injections);
  json["injections"] = injections;
  return json;
}

std::string ReportText(const RunResult& result) {
  const EngineTotals& totals = result.totals;
  std::string text = fmt::format(
      "{} orders in {}, {:.0f} a second ({} loop, {} thread{}, engine on CPU {})\n"
      "latency from {} to done: {}, {}, {}, {}, longest {}\n"
      "{} limit, {} market, {} cancel, {} modify; {} trades; {} orders rest\n",
      result.sent_count, FormatDuration(result.elapsed_ns), result.orders_per_s(), result.options.rate_per_s != 0 ? "open" : "closed",
      result.placement.threads, result.placement.threads == 1 ? "" : "s", result.placement.engine_cpu,
      result.options.rate_per_s != 0 ? "when it was due" : "gateway", PercentileText("p50", result.p50_ns),
      PercentileText("p90", result.p90_ns), PercentileText("p99", result.p99_ns), PercentileText("p99.9", result.p99_9_ns),
      FormatDuration(result.max_ns), totals.messages[0], totals.messages[1], totals.messages[2], totals.messages[3], totals.trade_count,
      result.resting_count);
  if (result.behind_count > 0) {
    text += fmt::format("{} orders were due and never sent: the book cannot keep up with {} a second here\n", result.behind_count,
                        result.options.rate_per_s);
  }
  if (result.markers_on) text += fmt::format("{} marks\n", result.mark_count);
  if (!result.markers_reason.empty()) text += fmt::format("not marked: {}\n", result.markers_reason);
  for (const nlohmann::json& injection : result.injections) {
    text += fmt::format("injected {}: {} times, {} in all\n", injection["kind"].get<std::string>(), injection["count"].get<uint64_t>(),
                        FormatDuration(injection["total_ns"].get<int64_t>()));
  }
  for (const auto& [name, passed] : result.Checks()) {
    if (!passed) text += fmt::format("CHECK FAILED: {}\n", name);
  }
  if (!result.unsound.empty()) text += fmt::format("the book: {}\n", result.unsound);
  if (!result.tsc_invariant) text += "the CPU does not call its cycle counter invariant: times may be off\n";
  return text;
}

}  // namespace hftmon::order_book
