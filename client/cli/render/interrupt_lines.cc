#include "client/cli/render/interrupt_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/cli/render/both_numbers.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/cpu_list.h"

namespace hftmon {
namespace {

constexpr int kThreadsShown = 3;  // in the table; the JSON has all

using Cpus = google::protobuf::RepeatedField<int32_t>;

std::string CpusText(const Cpus& cpus) {
  return FormatCpuList({cpus.data(), static_cast<size_t>(cpus.size())});
}

std::string Joined(const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : ", ") + Printable(name);
  return joined;
}

void Append(const std::string& part, std::string* text) {
  *text += (text->empty() ? "" : "; ") + part;
}

// "reserved CPU 2-3; trader[4711] on 5; 2 threads more".
std::string HitsText(const v1::InterruptLine& line) {
  std::string text;
  if (line.hit_reserved_cpus_size() > 0) Append("reserved CPU " + CpusText(line.hit_reserved_cpus()), &text);
  for (int i = 0; i < std::min(line.hit_threads_size(), kThreadsShown); ++i) {
    const v1::BoundThread& hit = line.hit_threads(i);
    Append(fmt::format("{}[{}] on {}", Printable(hit.thread().comm()), BothNumbers(hit.thread().tid(), hit.thread().namespace_tid()),
                       CpusText(hit.cpus())),
           &text);
  }
  const auto more = static_cast<int64_t>(line.hit_thread_count()) - kThreadsShown;
  if (more > 0) Append(Counted(static_cast<uint64_t>(more), "thread") + " more", &text);
  return text;
}

Json ToJson(const v1::InterruptLine& line) {
  Json json{{"irq", line.irq()}, {"handlers", line.handlers()}, {"chip", line.chip()}, {"allowed_cpus", line.allowed_cpus()}};
  if (line.effective_cpus_size() > 0) json["effective_cpus"] = line.effective_cpus();
  json["hit_reserved_cpus"] = line.hit_reserved_cpus();
  json["allowed_reserved_cpus"] = line.allowed_reserved_cpus();
  json["hit_thread_count"] = line.hit_thread_count();
  json["hit_threads"] = Json::array();
  for (const v1::BoundThread& hit : line.hit_threads()) {
    json["hit_threads"].push_back(
        {{"tid", hit.thread().tid()}, {"comm", hit.thread().comm()}, {"pid", hit.thread().pid()}, {"cpus", hit.cpus()}});
    AddInnerNumbers(hit.thread(), &json["hit_threads"].back());
  }
  return json;
}

}  // namespace

std::string InterruptLinesText(const v1::QueryInterruptsResponse& response, bool asked) {
  if (!asked) return "";
  if (!response.lines_unavailable().empty()) return "";  // a warning says why
  if (response.lines_size() == 0) return "\nno device interrupt of this host has a handler\n";
  Table table({{"irq"},
               {"handlers", Table::Align::kLeft},
               {"may be sent to CPU", Table::Align::kLeft},
               {"is sent to", Table::Align::kLeft},
               {"hits", Table::Align::kLeft},
               {"may hit reserved CPU", Table::Align::kLeft}});
  for (const v1::InterruptLine& line : response.lines()) {
    table.AddRow({std::to_string(line.irq()), Joined(line.handlers()), CpusText(line.allowed_cpus()), CpusText(line.effective_cpus()),
                  HitsText(line), CpusText(line.allowed_reserved_cpus())});
  }
  return "\n" + table.Print();
}

Json InterruptLinesJson(const v1::QueryInterruptsResponse& response) {
  if (!response.lines_unavailable().empty()) return {{"lines_unavailable", response.lines_unavailable()}};
  Json json{{"lines", Json::array()}};
  for (const v1::InterruptLine& line : response.lines()) json["lines"].push_back(ToJson(line));
  json["unread_line_count"] = response.unread_line_count();
  json["unread_thread_count"] = response.unread_thread_count();
  return json;
}

}  // namespace hftmon
