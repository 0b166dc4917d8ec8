#include "client/export/html_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "client/export/counted_stalls.h"
#include "client/export/html_style.h"
#include "client/export/html_text.h"
#include "client/export/svg_causes.h"
#include "client/export/svg_heat_map.h"
#include "client/export/svg_timeline.h"
#include "client/export/svg_topology.h"
#include "common/duration.h"
#include "common/markup_text.h"

namespace hftmon {
namespace {

constexpr size_t kNotesMax = 50;
constexpr size_t kOperationsMax = 100;

constexpr char kStateKey[] =
    "<div class=\"key\"><span style=\"--c:var(--running)\">running</span><span style=\"--c:var(--waiting)\">waiting for a CPU</span>"
    "<span style=\"--c:var(--blocked)\">asleep or blocked</span><span style=\"--c:var(--interrupted)\">interrupted</span>"
    "<span style=\"--c:var(--unknown)\">not known</span></div>\n";

class Report {
 public:
  Report(const Recording& recording, const HtmlOptions& options) : recording_(recording), options_(options) {}

  std::string Make() && {
    Head();
    Notes();
    HeatMap();
    Worst();
    Timelines();
    Causes();
    Topology();
    Operations();
    html_ += "</body>\n</html>\n";
    return std::move(html_);
  }

 private:
  void Head();
  void Notes();
  void HeatMap();
  void Worst();
  void Timelines();
  void Causes();
  void Topology();
  void Operations();
  void Section(const std::string& id, const std::string& title, const std::string& lead, const std::string& body);
  void Tile(const std::string& value, const std::string& what) {
    html_ += fmt::format("<div class=\"tile\"><b>{}</b><span class=\"muted\">{}</span></div>\n", EscapeMarkup(value), EscapeMarkup(what));
  }

  std::string TimeOfDay(int64_t monotonic_ns) const {
    return absl::FormatTime("%H:%M:%E6S", absl::FromUnixNanos(recording_.ToRealtime(monotonic_ns)), options_.zone);
  }
  // The longest first; operations and gaps stand beside the stalls that made them, sleeps do not: most of them wait for work.
  std::vector<const RecordedSpike*> WorstSpikes() const {
    std::vector<const RecordedSpike*> spikes;
    for (const RecordedSpike& spike : recording_.spikes) {
      if (spike.kind != "blocked") spikes.push_back(&spike);
    }
    const size_t shown = std::min(options_.worst_max, spikes.size());
    std::partial_sort(spikes.begin(), spikes.begin() + static_cast<std::ptrdiff_t>(shown), spikes.end(),
                      [](const RecordedSpike* a, const RecordedSpike* b) {
                        return a->duration_ns != b->duration_ns ? a->duration_ns > b->duration_ns : a->id < b->id;
                      });
    spikes.resize(shown);
    return spikes;
  }

  const Recording& recording_;
  const HtmlOptions& options_;
  std::string html_;
};

void Report::Head() {
  const std::string day =
      absl::FormatTime("%Y-%m-%d %H:%M:%S %Z", absl::FromUnixNanos(recording_.ToRealtime(recording_.begin_ns)), options_.zone);
  html_ += fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>hftmon: {0}</title>\n<style>{1}</style>\n</head>\n<body>\n"
      "<h1>Why did these threads stall?</h1>\n<p class=\"muted\">{0}, Linux {2}, {3}, {4} recorded. hftmond {5}, hftmon {6}.</p>\n",
      EscapeMarkup(recording_.host), kHtmlStyle, EscapeMarkup(recording_.kernel), EscapeMarkup(day),
      FormatDuration(recording_.duration_ns()), EscapeMarkup(recording_.daemon_version), EscapeMarkup(recording_.recorder_version));
  double lost_ns = 0;
  for (const CountedStall& stall : CountedStalls(recording_, CountedByDefault())) lost_ns += static_cast<double>(stall.counted_ns);
  int64_t longest_ns = 0;
  size_t sleeps = 0;
  for (const RecordedSpike& spike : recording_.spikes) {
    sleeps += spike.kind == "blocked" ? 1 : 0;
    if (spike.kind != "blocked") longest_ns = std::max(longest_ns, spike.duration_ns);
  }
  html_ += "<div class=\"tiles\" id=\"summary\">\n";
  Tile(fmt::format("{}", recording_.spikes.size() - sleeps), sleeps == 0 ? "spikes" : fmt::format("spikes, and {} sleeps", sleeps));
  if (longest_ns > 0) Tile(FormatDuration(longest_ns), "the longest spike");
  Tile(FormatDuration(static_cast<int64_t>(std::min(lost_ns, 1e18))), "lost by all threads, sleeps and slow operations not counted");
  Tile(fmt::format("{}", recording_.threads.size()), "threads watched");
  Tile(fmt::format("{}", recording_.lost_records), "records lost");
  html_ += "</div>\n";
}

void Report::Notes() {
  if (recording_.notes.empty()) return;
  html_ += "<section class=\"notes\" id=\"notes\"><h2>What this report does not know</h2>\n<ul>\n";
  for (size_t i = 0; i < std::min(kNotesMax, recording_.notes.size()); ++i) {
    html_ += fmt::format("<li>{}</li>\n", EscapeMarkup(recording_.notes[i]));
  }
  if (recording_.notes.size() > kNotesMax) html_ += fmt::format("<li>and {} more</li>\n", recording_.notes.size() - kNotesMax);
  html_ += "</ul></section>\n";
}

void Report::Section(const std::string& id, const std::string& title, const std::string& lead, const std::string& body) {
  html_ += fmt::format("<section id=\"{}\"><h2>{}</h2>\n<p class=\"muted\">{}</p>\n{}</section>\n", id, EscapeMarkup(title),
                       EscapeMarkup(lead), body);
}

void Report::HeatMap() {
  std::string map = SvgHeatMap(recording_);
  if (map.empty()) map = "<p>There was no spike in this time.</p>\n";
  Section("heat-map", "Latency heat map",
          "Every spike by when it began and how long it was. The darker (by night: the brighter), the more.", map);
}

void Report::Worst() {
  const std::vector<const RecordedSpike*> worst = WorstSpikes();
  if (worst.empty()) return;
  std::string table =
      "<div class=\"scroll\"><table>\n<tr><th>at</th><th>thread</th><th>kind</th><th class=\"n\">lasted</th><th class=\"n\">CPU</th>"
      "<th>largest cause</th><th class=\"n\">unexplained</th></tr>\n";
  for (const RecordedSpike* spike : worst) {
    std::string cause = spike->causes.empty() ? "" : spike->causes[0].kind;
    if (!spike->causes.empty()) {
      const std::string actor = ActorName(spike->causes[0]);
      cause += fmt::format("{}{}, {}", actor.empty() ? "" : ": ", actor, FormatDuration(spike->causes[0].duration_ns));
    }
    std::string kind = spike->operation.empty() ? spike->kind : spike->kind + ": " + spike->operation;
    if (spike->in_progress) kind += ", goes on";
    if (spike->inconclusive) kind += ", inconclusive";
    table += fmt::format(
        "<tr><td class=\"k\">{}</td><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td "
        "class=\"n\">{}</td></tr>\n",
        TimeOfDay(spike->start_ns), EscapeMarkup(fmt::format("{}[{}]", spike->thread.comm, spike->thread.tid)), EscapeMarkup(kind),
        FormatDuration(spike->duration_ns), spike->cpu, EscapeMarkup(cause), FormatDuration(spike->unexplained_ns));
  }
  Section("worst", "The worst spikes", fmt::format("The {} longest; sleeps are not among them.", worst.size()), table + "</table></div>\n");
}

void Report::Timelines() {
  std::vector<const RecordedSpike*> worst = WorstSpikes();
  if (worst.size() > options_.timelines_max) worst.resize(options_.timelines_max);
  if (worst.empty()) return;
  std::string body = kStateKey;
  for (const RecordedSpike* spike : worst) {
    body += fmt::format(
        "<h3>{} of {}[{}], {}, at {}</h3>\n", EscapeMarkup(spike->operation.empty() ? spike->kind : spike->kind + " " + spike->operation),
        EscapeMarkup(spike->thread.comm), spike->thread.tid, FormatDuration(spike->duration_ns), TimeOfDay(spike->start_ns));
    body += SvgTimeline(recording_, *spike);
  }
  Section("timelines", "Around the worst spikes",
          "What threads did, the victim's row first, between the dashed lines the spike. Below it where its time went: the lengths are "
          "measured, "
          "their order is not known.",
          body);
}

void Report::Causes() {
  std::string body;
  const auto chart = [this, &body](const char* title, const std::set<std::string>& kinds) {
    const std::string svg = SvgCauses(recording_, kinds);
    if (!svg.empty()) body += fmt::format("<h3>{}</h3>\n{}", title, svg);
  };
  chart("Stalls", CountedByDefault());
  chart("Slow operations, and gaps between heartbeats", {"operation", "gap"});
  chart("Sleeps and blocking calls", {"blocked"});
  if (body.empty()) return;
  Section("causes", "What took the time", "All spikes together; where two of a thread overlap, that time counts once.", body);
}

void Report::Topology() {
  const std::string svg = SvgTopology(recording_);
  if (svg.empty()) return;
  Section("topology", "Where on the host",
          "CPUs by memory node. The colour is the time that watched threads lost there, a step a factor of four; irqs: what all interrupts "
          "took on it.",
          svg);
}

void Report::Operations() {
  if (recording_.operations.empty()) return;
  std::string table =
      "<div class=\"scroll\"><table>\n<tr><th>program</th><th>operation</th><th class=\"n\">count</th><th class=\"n\">p50</th><th "
      "class=\"n\">p99</th>"
      "<th class=\"n\">p99.9</th><th class=\"n\">longest</th><th class=\"n\">slow ones</th><th class=\"n\">marks lost</th></tr>\n";
  const size_t shown = std::min(kOperationsMax, recording_.operations.size());
  for (size_t i = 0; i < shown; ++i) {
    const RecordedOperation& operation = recording_.operations[i];
    const auto percentile = [&operation](double percent) {
      const auto found = operation.percentiles.find(percent);
      return found == operation.percentiles.end() ? std::string() : FormatDuration(found->second);
    };
    table += fmt::format(
        "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td "
        "class=\"n\">{}</td>"
        "<td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
        EscapeMarkup(fmt::format("{}[{}]", operation.comm, operation.pid)),
        EscapeMarkup(operation.name.empty() ? "(unnamed)" : operation.name), operation.count, percentile(50), percentile(99),
        percentile(99.9), operation.max_ns < 0 ? "" : FormatDuration(operation.max_ns), operation.spike_count, operation.dropped_marks);
  }
  table += "</table></div>\n";
  if (shown < recording_.operations.size()) table += fmt::format("<p>and {} more</p>\n", recording_.operations.size() - shown);
  Section("operations", "Operations that the programs mark", "Since the daemon reads their marks, which may be longer than this recording.",
          table);
}

}  // namespace

std::string HtmlReport(const Recording& recording, const HtmlOptions& options) {
  return Report(recording, options).Make();
}

}  // namespace hftmon
