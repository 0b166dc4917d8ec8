#include "client/cli/render/marked_span.h"

#include <fmt/format.h>

#include "client/cli/table.h"
#include "common/duration.h"

namespace hftmon {

std::string MarkedSpanText(const v1::MarkedSpan& span) {
  const std::string name = span.name().empty() ? "(unnamed)" : Printable(span.name());
  std::string text = fmt::format("    operation {}, value {}{}:", name, span.value(), span.error() ? " (failed)" : "");
  if (span.has_usual_ns()) text += fmt::format(" usually {},", FormatDuration(span.usual_ns()));
  text += fmt::format(" threshold {}{}", FormatDuration(span.threshold_ns()), span.threshold_adaptive() ? " (adaptive)" : "");
  if (span.has_floor_ns()) text += fmt::format(", stalls from {} on are known", FormatDuration(span.floor_ns()));
  return text + "\n";
}

Json MarkedSpanJson(const v1::MarkedSpan& span) {
  Json json{{"name", span.name()},
            {"value", span.value()},
            {"error", span.error()},
            {"file_number", span.file_number()},
            {"threshold_ns", span.threshold_ns()},
            {"threshold_adaptive", span.threshold_adaptive()},
            {"stall_count", span.stall_count()}};
  if (span.has_usual_ns()) json["usual_ns"] = span.usual_ns();
  if (span.has_floor_ns()) json["floor_ns"] = span.floor_ns();
  return json;
}

}  // namespace hftmon
