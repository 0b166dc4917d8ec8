// `correlate`: what hit the moments of a file, by a scripted daemon.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/client/cli/cli_fixture.h"
#include "tests/client/cpp/temporary_folder.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

class CorrelateVerbTest : public CliFixture {
 protected:
  std::string FileOf(const std::string& text) {
    std::ofstream(folder_.File("events")) << text;
    return folder_.File("events");
  }
  // Each event whose ID ends with 7 is hit by spike 7.
  static void Answer(const v1::CorrelateEventsRequest& request, v1::CorrelateEventsResponse* response) {
    response->mutable_time()->set_monotonic_ns(9'000'000'000);
    bool told = false;
    for (const v1::TimedEvent& asked : request.events()) {
      v1::CorrelatedEvent* event = response->add_events();
      event->set_id(asked.id());
      event->set_monotonic_ns(asked.time());
      if (!asked.id().ends_with('7')) continue;
      event->add_spike_ids(7);
      event->set_stalled_ns(60'000);
      response->set_hit_count(response->hit_count() + 1);
      if (std::exchange(told, true)) continue;
      v1::Spike* spike = event->add_spikes();
      spike->set_id(7);
      spike->set_kind("preempted");
      spike->set_duration_ns(312'000);
      spike->mutable_thread()->set_tid(4712);
      spike->mutable_thread()->set_pid(4711);
      spike->mutable_thread()->set_comm("matcher");
      v1::Cause* cause = spike->add_causes();
      cause->set_kind("thread");
      cause->set_duration_ns(300'000);
      cause->mutable_actor()->set_comm("stress");
    }
    if (response->hit_count() == 0) return;
    v1::CorrelatedCause* cause = response->add_causes();
    cause->set_kind("thread");
    cause->set_actor("stress");
    cause->set_event_count(response->hit_count());
    cause->set_duration_ns(300'000);
  }

  TemporaryFolder folder_;
};

TEST_F(CorrelateVerbTest, WhatHitEventsIsATableAndASentence) {
  v1::CorrelateEventsRequest seen;
  monitor_.correlate_events = [&seen](const auto& request, auto* response) {
    seen = request;
    Answer(request, response);
    response->mutable_events(0)->set_outside("in the future");
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(
      Run({"correlate", FileOf("time,id\n5.5,order-1\n6000000000,order-7\n"), "-p", "4711", "--before", "1ms", "--after", "2us"}, console),
      0)
      << console.err();
  EXPECT_EQ(seen.pids(0), 4711);
  EXPECT_EQ(seen.clock(), v1::CorrelateEventsRequest::MONOTONIC);
  EXPECT_EQ(seen.before_ns(), 1'000'000);
  EXPECT_EQ(seen.after_ns(), 2'000);
  EXPECT_EQ(seen.events(0).time(), 5'500'000'000);
  EXPECT_EQ(seen.events(1).id(), "order-7");
  for (const char* part : {"order-7", "60us", "312us", "preempted", "matcher[4711/4712]", "thread stress", "#7", "1 of 2 events were hit",
                           "nothing is known of 1 event: in the future"}) {
    EXPECT_THAT(console.out(), HasSubstr(part));
  }
}

TEST_F(CorrelateVerbTest, JsonHasEventsCausesAndEachSpikeOnce) {
  monitor_.correlate_events = [](const auto& request, auto* response) {
    EXPECT_EQ(request.clock(), v1::CorrelateEventsRequest::TSC);
    EXPECT_EQ(request.before_ns(), 100'000);
    Answer(request, response);
    response->set_floor_ns(50'000);
    response->set_incomplete(true);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"correlate", FileOf("1 a7\n2 b\n3 c7\n"), "--clock", "tsc", "--json"}, console), 1);
  const json answer = json::parse(console.out());
  EXPECT_EQ(answer["event_count"], 3);
  EXPECT_EQ(answer["hit_count"], 2);
  EXPECT_EQ(answer["events"][2]["id"], "c7");
  EXPECT_EQ(answer["events"][2]["spike_ids"][0], 7);
  ASSERT_EQ(answer["spikes"].size(), 1u);
  EXPECT_EQ(answer["spikes"][0]["id"], 7);
  EXPECT_EQ(answer["causes"][0]["actor"], "stress");
  EXPECT_EQ(answer["floor_ns"], 50'000);
  EXPECT_THAT(console.err(), HasSubstr("incomplete: stalls of some of these times are no longer kept"));
}

TEST_F(CorrelateVerbTest, ManyEventsAreAskedInSeveralCallsAndAnsweredInTheirOrder) {
  std::string text;
  for (int i = 25'000; i > 0; --i) text += std::to_string(i) + " " + std::to_string(i) + "\n";
  int calls = 0;
  monitor_.correlate_events = [&calls](const auto& request, auto* response) {
    ++calls;
    EXPECT_LE(request.events_size(), 10'000);
    Answer(request, response);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"correlate", FileOf(text), "--json"}, console), 0) << console.err();
  EXPECT_EQ(calls, 3);
  const json answer = json::parse(console.out());
  ASSERT_EQ(answer["events"].size(), 25'000u);
  EXPECT_EQ(answer["events"][0]["id"], "25000");
  EXPECT_EQ(answer["events"][24'999]["id"], "1");
  EXPECT_EQ(answer["hit_count"], 2'500);
  EXPECT_EQ(answer["causes"].size(), 1u);
  EXPECT_EQ(answer["causes"][0]["event_count"], 2'500);
  EXPECT_EQ(answer["spikes"].size(), 1u) << "each call tells it, it is there once";
}

TEST_F(CorrelateVerbTest, AnAnswerThatHasNoRoomIsAskedForInHalves) {
  monitor_.correlate_events = [](const auto& request, auto* response) {
    if (request.events_size() > 2) {
      return FakeMonitor::RichError(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many rows", "ANSWER_LIMIT");
    }
    Answer(request, response);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"correlate", FileOf("1 a\n2 b7\n3 c\n4 d\n5 e\n"), "--json"}, console), 0) << console.err();
  EXPECT_EQ(json::parse(console.out())["events"].size(), 5u);
}

TEST_F(CorrelateVerbTest, WhatCannotBeReadIsSaidBeforeAnybodyIsAsked) {
  StringConsole line;
  EXPECT_EQ(Run({"correlate", FileOf("1 a\nx b\n")}, line), 3);
  EXPECT_THAT(line.err(), AllOf(HasSubstr("events:2: the time 'x' is no number"), HasSubstr("write nanoseconds")));
  StringConsole file;
  EXPECT_EQ(Run({"correlate", folder_.File("none")}, file), 3);
  EXPECT_THAT(file.err(), AllOf(HasSubstr("none"), HasSubstr("No such file")));
  StringConsole span;
  EXPECT_EQ(Run({"correlate", FileOf("1 a\n"), "--before", "0"}, span), 3);
  EXPECT_THAT(span.err(), HasSubstr("--before 0"));
  StringConsole clock;
  EXPECT_EQ(Run({"correlate", FileOf("1 a\n"), "--clock", "utc"}, clock), 3);
  EXPECT_THAT(clock.err(), HasSubstr("--clock 'utc'"));
}

}  // namespace
}  // namespace hftmon
