// Recording files that are cut, spoilt, and full of numbers that no clock has: each is refused or read, and what was read can be exported.
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "client/export/alpha_frames.h"
#include "client/export/alpha_trace.h"
#include "client/export/csv_tables.h"
#include "client/export/folded_stacks.h"
#include "client/export/html_report.h"
#include "client/export/perfetto_trace.h"
#include "client/recording/recording_format.h"
#include "client/recording/recording_reader.h"
#include "tests/client/export/decoded_trace.h"

namespace hftmon {
namespace {

constexpr uint32_t kRounds = 1'500;

int64_t SomeNumber(std::mt19937_64* random) {
  switch ((*random)() % 5) {
    case 0:
      return static_cast<int64_t>((*random)());
    case 1:
      return std::numeric_limits<int64_t>::max();
    case 2:
      return -static_cast<int64_t>((*random)() % 1'000);
    default:
      return static_cast<int64_t>((*random)() % 1'000'000);
  }
}

void FillThread(std::mt19937_64* random, v1::ThreadId* thread) {
  thread->set_pid(static_cast<int32_t>((*random)() % 3));
  thread->set_tid(static_cast<int32_t>((*random)() % 4));
  thread->set_comm("<\"';\n\x01>");
}

v1::RecordingPart SomePart(std::mt19937_64* random) {
  static const char* const kStates[] = {"running", "waiting", "blocked", "interrupted", "unknown", "?"};
  static const char* const kKinds[] = {"preempted", "fault", "operation", "blocked", "migration"};
  v1::RecordingPart part;
  switch ((*random)() % 4) {
    case 0: {
      v1::ThreadTimeline* told = part.mutable_timeline()->add_threads();
      FillThread(random, told->mutable_thread());
      part.mutable_timeline()->mutable_window()->set_end_monotonic_ns(SomeNumber(random));
      for (int i = 0; i < 5; ++i) {
        v1::TimelinePiece* piece = told->add_pieces();
        piece->set_start_monotonic_ns(SomeNumber(random));
        piece->set_duration_ns(SomeNumber(random));
        piece->set_state(kStates[(*random)() % 6]);
        if ((*random)() % 4 != 0) piece->set_cpu(static_cast<int32_t>(SomeNumber(random)));
      }
      break;
    }
    case 1: {
      v1::Spike* spike = part.mutable_spikes()->add_spikes();
      FillThread(random, spike->mutable_thread());
      spike->set_id((*random)() % 5);
      spike->set_kind(kKinds[(*random)() % 5]);
      spike->set_start_monotonic_ns(SomeNumber(random));
      spike->set_duration_ns(SomeNumber(random));
      spike->set_unexplained_ns(SomeNumber(random));
      v1::Cause* cause = spike->add_causes();
      cause->set_kind((*random)() % 2 == 0 ? "thread" : "hard_irq");
      cause->set_duration_ns(SomeNumber(random));
      cause->mutable_actor()->set_tid(static_cast<int32_t>((*random)() % 3));
      break;
    }
    case 2: {
      v1::SwitchEvent* event = part.mutable_switches()->add_events();
      FillThread(random, event->mutable_thread());
      event->set_start_monotonic_ns(SomeNumber(random));
      event->set_duration_ns(SomeNumber(random));
      event->set_run_queue_ns(SomeNumber(random));
      event->set_kind(kKinds[(*random)() % 5]);
      event->mutable_waker()->set_known(true);
      event->mutable_waker()->set_woken_monotonic_ns(SomeNumber(random));
      break;
    }
    default:
      part.mutable_metrics()->mutable_window()->set_end_monotonic_ns(SomeNumber(random));
      part.mutable_metrics()->add_samples()->set_value(std::numeric_limits<double>::quiet_NaN());
  }
  return part;
}

std::string SomeFile(std::mt19937_64* random) {
  std::string bytes(kRecordingMagic);
  v1::RecordingPart header;
  header.mutable_header()->set_format_version(kRecordingFormatVersion);
  header.mutable_header()->set_begin_monotonic_ns(SomeNumber(random));
  header.mutable_header()->mutable_time()->set_realtime_ns(SomeNumber(random));
  header.mutable_header()->mutable_time()->set_monotonic_ns(SomeNumber(random));
  AppendRecordingPart(header, &bytes);
  for (uint64_t parts = (*random)() % 12; parts > 0; --parts) AppendRecordingPart(SomePart(random), &bytes);
  if ((*random)() % 2 == 0) {
    v1::RecordingPart end;
    end.mutable_end()->set_end_monotonic_ns(SomeNumber(random));
    AppendRecordingPart(end, &bytes);
  }
  return bytes;
}

void ExportAll(const Recording& recording, uint32_t seed) {
  const DecodedTrace trace = DecodeTrace(PerfettoTrace(recording));
  EXPECT_TRUE(trace.errors.empty()) << "seed " << seed << ": " << trace.errors[0];
  for (const CsvTable& table : CsvTables()) EXPECT_FALSE(table.text(recording).empty());
  const auto price = ParseAlphaPrice("1000", "1", {});
  const std::vector<AlphaFrame> frames = AlphaFrames(recording, *price);
  AlphaTrace(recording, frames);
  FoldedStacks(frames);
  const std::string html = HtmlReport(recording, {.zone = absl::UTCTimeZone()});
  EXPECT_LT(html.size(), 2u << 20) << "seed " << seed;
}

TEST(RecordingFuzz, WhateverItsNumbersAreItIsExported) {
  for (uint32_t seed = 0; seed < kRounds; ++seed) {
    std::mt19937_64 random(seed);
    const auto recording = ReadRecording(SomeFile(&random));
    ASSERT_TRUE(recording.ok()) << "seed " << seed << ": " << recording.status();
    ExportAll(*recording, seed);
  }
}

TEST(RecordingFuzz, ASpoiltFileIsRefusedOrExported) {
  for (uint32_t seed = 0; seed < kRounds; ++seed) {
    std::mt19937_64 random(seed);
    std::string bytes = SomeFile(&random);
    for (uint64_t damage = 1 + random() % 6; damage > 0; --damage) bytes[random() % bytes.size()] = static_cast<char>(random());
    bytes.resize(random() % 3 == 0 ? random() % (bytes.size() + 1) : bytes.size());
    const auto recording = ReadRecording(bytes);
    if (recording.ok()) {
      ExportAll(*recording, seed);
    } else {
      EXPECT_FALSE(recording.status().message().empty());
    }
  }
}

}  // namespace
}  // namespace hftmon
