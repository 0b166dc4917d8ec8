// The command line's README names each key of each answer.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "client/cli/render/cache.h"
#include "client/cli/render/correlate.h"
#include "client/cli/render/counter_samples.h"
#include "client/cli/render/doctor.h"
#include "client/cli/render/hardware.h"
#include "client/cli/render/import.h"
#include "client/cli/render/interrupt_lines.h"
#include "client/cli/render/interrupts.h"
#include "client/cli/render/inversions.h"
#include "client/cli/render/locks.h"
#include "client/cli/render/memory.h"
#include "client/cli/render/metrics.h"
#include "client/cli/render/network.h"
#include "client/cli/render/numa.h"
#include "client/cli/render/numa_matrix.h"
#include "client/cli/render/operation.h"
#include "client/cli/render/operations.h"
#include "client/cli/render/recommend.h"
#include "client/cli/render/sharing.h"
#include "client/cli/render/spikes.h"
#include "client/cli/render/states.h"
#include "client/cli/render/status.h"
#include "client/cli/render/switches.h"
#include "client/cli/render/targets.h"
#include "client/cli/render/threads.h"
#include "client/cli/render/timeline.h"
#include "hftmon/v1/monitor.pb.h"

namespace hftmon {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Every field is set, lists have one entry; `flag` is what each bool is, because what is absent may depend on it.
void Fill(bool flag, Message* message) {
  const google::protobuf::Reflection& fields = *message->GetReflection();
  for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message->GetDescriptor()->field(i);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Fill(flag, field->is_repeated() ? fields.AddMessage(message, field) : fields.MutableMessage(message, field));
      continue;
    }
    // The number 50 is a percentile too.
    const auto set = [&](auto single, auto repeated, auto value) {
      field->is_repeated() ? (fields.*repeated)(message, field, value) : (fields.*single)(message, field, value);
    };
    using R = google::protobuf::Reflection;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        set(&R::SetBool, &R::AddBool, flag);
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        set(&R::SetInt32, &R::AddInt32, 50);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        set(&R::SetInt64, &R::AddInt64, 50);
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        set(&R::SetUInt32, &R::AddUInt32, 50u);
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        set(&R::SetUInt64, &R::AddUInt64, uint64_t{50});
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        set(&R::SetDouble, &R::AddDouble, 50.0);
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        set(&R::SetString, &R::AddString, std::string(flag && field->name() == "kind" ? "migration" : "KIND"));
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        set(&R::SetEnumValue, &R::AddEnumValue, 1);
        break;
      default:
        ADD_FAILURE() << field->full_name() << " is of a type that is not filled";
    }
  }
}

template <typename Filled>
Filled Full(bool flag) {
  Filled message;
  Fill(flag, &message);
  return message;
}

// One of everything that a recording may tell.
ImportReport FullImport() {
  ImportReport report;
  PerfEvent event;
  event.name = "cycles";
  event.unit = "msec";
  report.summary.events.push_back(event);
  PerfHost& host = report.summary.host;
  host.hostname = host.release = host.perf_version = host.arch = host.cpu = "told";
  host.cpus_online = host.cpus_available = 2;
  host.nodes.emplace_back();
  host.command = {"perf"};
  MemoryLoadSummary loads;
  ContendedLines lines;
  MemoryAccess access{.pid = 1, .tid = 1, .cpu = 0, .code_address = 2, .address = 64, .latency_cycles = 5, .source = {}};
  access.source = {.store = true};
  lines.Add(access);
  access.tid = 2;
  access.source = {.load = true, .level = AccessLevel::kL1, .snoop = SnoopResult::kModified};
  for (int i = 0; i < 2'000; ++i) {
    loads.Add(access);
    lines.Add(access);
  }
  access.source.level_hit = false;
  loads.Add(access);
  report.accesses.loads = loads;
  report.accesses.table = lines.Build(LineOrder::kCycles);
  const MappedPlace place{.mapping = "engine", .file_offset = 8, .symbol = "Match()+0x12"};
  for (const ContendedLine& line : report.accesses.table->lines) {
    report.accesses.lines.push_back(
        {.line = line, .data = place, .code = std::vector<std::optional<MappedPlace>>(line.sites.size(), place)});
  }
  report.stats = {{.cpu = 1, .value = 1.5}, {.reason = "not counted"}};
  report.trace = ImportedTrace{.interval = 1'024};
  report.unavailable = {{"hardware_trace", "not decoded"}};
  report.symbols_unavailable = {{"engine", "no build id"}};
  return report;
}

// Contended lines, or, where they are unavailable, shared ones.
Json FullSharing(bool flag, const std::string& unavailable) {
  auto response = Full<v1::SampleAccessesResponse>(flag);
  response.mutable_unavailable(0)->set_part(unavailable);
  const absl::StatusOr<SharingAnswer> answer = SharingAnswerOf(response);
  EXPECT_TRUE(answer.ok()) << answer.status();
  return SharingJson(response, *answer);
}

void AddKeys(const Json& json, std::set<std::string>* keys) {
  if (!json.is_structured()) return;
  for (const auto& item : json.items()) {
    if (json.is_object()) keys->insert(item.key());
    AddKeys(item.value(), keys);
  }
}

std::set<std::string> AllKeys() {
  std::set<std::string> keys;
  for (const bool flag : {false, true}) {
    AddKeys(SpikeJson(Full<v1::Spike>(flag), Full<v1::TimePair>(flag)), &keys);
    AddKeys(SwitchesJson(Full<v1::QueryContextSwitchesResponse>(flag), true), &keys);
    AddKeys(StatusJson(Full<v1::GetStatusResponse>(flag)), &keys);
    AddKeys(LocksJson(Full<v1::QueryLocksResponse>(flag)), &keys);
    AddKeys(RecommendJson(Full<v1::RecommendResponse>(flag)), &keys);
    AddKeys(InversionsJson(Full<v1::QueryInversionsResponse>(flag)), &keys);
    AddKeys(MemoryJson(Full<v1::QueryMemoryResponse>(flag)), &keys);
    AddKeys(CacheJson(Full<v1::QueryCacheResponse>(flag)), &keys);
    AddKeys(NumaJson(Full<v1::QueryNumaResponse>(flag)), &keys);
    AddKeys(NumaMatrixJson(Full<v1::MeasureNumaResponse>(flag)), &keys);
    AddKeys(CounterSamplesJson(Full<v1::SampleCountersResponse>(flag)), &keys);
    AddKeys(ThreadsJson(Full<v1::QueryThreadsResponse>(flag)), &keys);
    AddKeys(HardwareJson(Full<v1::QueryHardwareResponse>(flag)), &keys);
    AddKeys(NetworkJson(Full<v1::QueryNetworkResponse>(flag)), &keys);
    AddKeys(StatesJson(Full<v1::SampleStateResponse>(flag)), &keys);
    AddKeys(FullSharing(flag, "contended_lines"), &keys);
    AddKeys(FullSharing(flag, "places"), &keys);
    AddKeys(OperationsJson(Full<v1::QueryOperationsResponse>(flag)), &keys);
    AddKeys(TimelineJson(Full<v1::QueryTimelineResponse>(flag)), &keys);
    AddKeys(CorrelateJson(Full<v1::CorrelateEventsResponse>(flag)), &keys);
    AddKeys(InterruptsJson(Full<v1::QueryInterruptsResponse>(flag)), &keys);
    AddKeys(InterruptLinesJson(Full<v1::QueryInterruptsResponse>(flag)), &keys);
    AddKeys(InterruptLinesJson({}), &keys);
    AddKeys(InterruptsJson(InterruptsSpan{Full<v1::QueryInterruptsResponse>(flag), 1, 1, 1, {{1, 1}}}), &keys);
    AddKeys(DoctorJson(Full<v1::GetCapabilitiesResponse>(flag)), &keys);
    const auto targets = Full<v1::ListTargetsResponse>(flag);
    AddKeys(TargetsJson(targets.targets(), targets.rules()), &keys);
    AddKeys(LoopPlaceJson(Full<v1::LoopStatus>(flag)), &keys);
    AddKeys(MetricsJson(Full<v1::WatchMetricsResponse>(flag)), &keys);
    AddKeys(ImportJson("file", FullImport()), &keys);
    AddKeys(MetricListJson(Full<v1::ListMetricsResponse>(flag)), &keys);
  }
  return keys;
}

std::set<std::string> WordsOfItsJsonSection() {
  std::ifstream file(HFTMON_CLI_README);
  std::ostringstream text;
  text << file.rdbuf();
  std::string section = text.str();
  section.erase(0, section.find("\n## JSON\n"));
  section.erase(std::min(section.size(), section.find("\n## ", 1)));
  const std::regex word("[A-Za-z0-9_]+");
  std::set<std::string> words;
  for (std::sregex_iterator it(section.begin(), section.end(), word); it != std::sregex_iterator(); ++it) words.insert(it->str());
  return words;
}

TEST(ReadmeTest, ItNamesEachKeyOfEachAnswer) {
  const std::set<std::string> words = WordsOfItsJsonSection();
  const std::set<std::string> keys = AllKeys();
  EXPECT_GT(keys.size(), 150u);
  for (const std::string& key : keys) EXPECT_TRUE(words.contains(key)) << key << " is not in " << HFTMON_CLI_README;
}

}  // namespace
}  // namespace hftmon
