#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/render/doctor.h"
#include "client/cli/render/metrics.h"
#include "client/cli/render/spikes.h"
#include "client/cli/render/status.h"
#include "client/cli/render/switches.h"
#include "client/cli/render/targets.h"
#include "client/cli/render/warnings.h"
#include "tests/client/cli/answers.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// What must never be printed: null, and anything that JSON itself refuses.
void ExpectNoNulls(const Json& json) {
  EXPECT_FALSE(json.is_null());
  if (!json.is_structured()) return;
  for (const auto& item : json.items()) {
    SCOPED_TRACE(item.key());
    ExpectNoNulls(item.value());
  }
}

TEST(RenderSpikesTest, TextIsAHeadlineAndItsBudget) {
  EXPECT_EQ(SpikeText(SomeSpike(), SomeTime(), absl::UTCTimeZone(), {}),
            "03:04:04.999500  matcher[4711/4712]  preempted  312us  CPU 3  queue 2  #12\n"
            "    #############.......   67.2 %     210us  stress[991/992]: ran once on CPU 3\n"
            "    ######..............   32.0 %     100us  waking: idle exit (estimated)\n"
            "    ....................    0.8 %     2.4us  unexplained\n");
}

TEST(RenderSpikesTest, ThreadsOfOtherPidNamespacesHaveBothNumbers) {
  v1::Spike spike = SomeSpike();
  spike.mutable_thread()->set_namespace_pid(7);
  spike.mutable_thread()->set_namespace_tid(8);
  spike.mutable_causes(0)->mutable_actor()->set_namespace_pid(1);
  spike.mutable_causes(0)->mutable_actor()->set_namespace_tid(2);
  const std::string text = SpikeText(spike, SomeTime(), absl::UTCTimeZone(), {});
  EXPECT_THAT(text, AllOf(HasSubstr("matcher[4711/4712 (7/8)]  preempted"), HasSubstr("stress[991/992 (1/2)]: ran")));
  const Json json = SpikeJson(spike, SomeTime());
  EXPECT_EQ(json["namespace_pid"], 7);
  EXPECT_EQ(json["namespace_tid"], 8);
  EXPECT_EQ(json["causes"][0]["actor"]["namespace_tid"], 2);
}

TEST(RenderSpikesTest, JsonIsTheContract) {
  EXPECT_EQ(
      JsonLine(SpikeJson(SomeSpike(), SomeTime())),
      R"({"schema_version":1,"id":12,"target_pid":4711,"tid":4712,"comm":"matcher","cpu":3,"start_ns":999999500000,)"
      R"("start_realtime_ns":1767323044999500000,"duration_ns":312400,)"
      R"("kind":"preempted","in_progress":false,"inconclusive":false,"runners_truncated":false,"lost_records":0,"causes":[)"
      R"({"kind":"thread","duration_ns":210000,"share":0.6722,"estimated":false,"cpu":3,"actor":{"pid":991,"tid":992,"comm":"stress"},)"
      R"("evidence":"ran once on CPU 3"},)"
      R"({"kind":"waking","duration_ns":100000,"share":0.3201,"estimated":true,"cpu":3,"evidence":"idle exit"}],)"
      R"("unexplained_ns":2400,"run_queue_depth":2,"priority":120,"migrations":1,"detection_ns":1500,)"
      R"("time":{"monotonic_ns":1000000000000,"realtime_ns":1767323045000000000,"error_ns":120}})"
      "\n");
}

TEST(RenderSpikesTest, TheWakerHasALineAndAnObjectOfItsOwn) {
  v1::Spike spike = SomeSpike();
  v1::Waker* waker = spike.mutable_waker();
  EXPECT_THAT(SpikeText(spike, SomeTime(), absl::UTCTimeZone(), {}), HasSubstr("\n    woken by: unknown, the record"));
  EXPECT_EQ(SpikeJson(spike, SomeTime())["waker"].dump(), R"({"known":false})");
  waker->set_known(true);
  waker->set_context("thread");
  waker->set_tid(44);
  waker->set_pid(40);
  waker->set_comm("feeder");
  waker->set_cpu(2);
  waker->set_woken_monotonic_ns(spike.start_monotonic_ns() + spike.duration_ns() - 400);
  waker->set_waker_class("real_time");
  waker->set_waker_priority(98);
  waker->set_woken_class("fair");
  waker->set_woken_priority(120);
  EXPECT_THAT(SpikeText(spike, SomeTime(), absl::UTCTimeZone(), {}),
              HasSubstr("\n    woken by feeder[40/44] on CPU 2 (real_time, priority 98; its own: fair, 120), 400ns before this\n"));
  const Json json = SpikeJson(spike, SomeTime());
  ExpectNoNulls(json);
  EXPECT_EQ(json["waker"]["comm"], "feeder");
  EXPECT_FALSE(json["waker"].contains("interrupt"));
  waker->set_context("hard_irq");
  waker->set_interrupt("local_timer");
  waker->set_tid(0);
  EXPECT_THAT(SpikeText(spike, SomeTime(), absl::UTCTimeZone(), {}),
              HasSubstr("\n    woken by interrupt local_timer on CPU 2 (over the idle task), 400ns before this\n"));
  EXPECT_EQ(SpikeJson(spike, SomeTime())["waker"]["interrupt"], "local_timer");
}

TEST(RenderSpikesTest, LostRecordsAndATruncatedLogAreSaidInTheHeadline) {
  v1::Spike spike = SomeSpike();
  spike.set_inconclusive(true);
  spike.set_lost_records(5);
  spike.set_runners_truncated(true);
  const std::string text = SpikeText(spike, SomeTime(), absl::UTCTimeZone(), {});
  EXPECT_THAT(text, HasSubstr("INCONCLUSIVE: 5 records lost"));
  EXPECT_THAT(text, HasSubstr("the log of who ran wrapped"));
}

TEST(RenderSpikesTest, AClockEpochThatEndedIsSaidWithItsReason) {
  v1::Spike spike = SomeSpike();
  spike.set_inconclusive(true);
  spike.set_inconclusive_reason("clock epoch 2: the wall clock stepped by 1.5s");
  spike.set_start_error_ns(0);
  EXPECT_THAT(SpikeText(spike, SomeTime(), absl::UTCTimeZone(), {}),
              HasSubstr("INCONCLUSIVE: clock epoch 2: the wall clock stepped by 1.5s"));
  v1::TimePair time = SomeTime();
  time.set_tai_offset_ns(37'000'000'000);
  time.set_epoch(1);
  const Json json = SpikeJson(spike, time);
  EXPECT_EQ(json["inconclusive_reason"], "clock epoch 2: the wall clock stepped by 1.5s");
  EXPECT_EQ(json["start_tai_ns"], json["start_realtime_ns"].get<int64_t>() + 37'000'000'000);
  EXPECT_EQ(json["start_error_ns"], 0);
  EXPECT_EQ(json["time"]["epoch"], 1);
}

TEST(RenderSpikesTest, TheScaleOfTimeIsTheOneAskedFor) {
  v1::TimePair time = SomeTime();
  time.set_tai_offset_ns(37'000'000'000);
  const auto text = [&](TimeScale scale) { return SpikeText(SomeSpike(), time, absl::UTCTimeZone(), {}, scale); };
  EXPECT_THAT(text(TimeScale::kUtc), ::testing::StartsWith("2026-01-02T03:04:04.999500000Z  matcher"));
  EXPECT_THAT(text(TimeScale::kTai), ::testing::StartsWith("2026-01-02T03:04:41.999500000 TAI  matcher"));
  EXPECT_THAT(text(TimeScale::kMono), ::testing::StartsWith("999.999500000  matcher"));
}

TEST(RenderSpikesTest, ColourOnlyWhenAskedAndNamesCannotAddTheirOwn) {
  v1::Spike spike = SomeSpike();
  spike.mutable_thread()->set_comm("\033[2Jevil");
  EXPECT_THAT(SpikeText(spike, SomeTime(), absl::UTCTimeZone(), {}), Not(HasSubstr("\033")));
  EXPECT_THAT(SpikeText(SomeSpike(), SomeTime(), absl::UTCTimeZone(), TextStyle{true}), HasSubstr("\033[1m312us\033[0m"));
}

TEST(RenderSwitchesTest, JsonHasTheKeysAndNothingThatWasNotMeasured) {
  const Json json = SwitchesJson(SomeSwitches(), true);
  ExpectNoNulls(json);
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["window_ns"], 9'990'000'000);
  EXPECT_EQ(json["window"]["begin_ns"], 990'000'000'000);
  EXPECT_EQ(json["lost_records"], 0);
  const Json& matcher = json["threads"][0];
  EXPECT_EQ(matcher["tid"], 4712);
  EXPECT_EQ(matcher["comm"], "matcher");
  EXPECT_EQ(matcher["voluntary_count"], 900);
  EXPECT_EQ(matcher["involuntary_count"], 3);
  EXPECT_EQ(matcher["migration_count"], 1);
  EXPECT_EQ(matcher["voluntary_total"], 5000);
  EXPECT_EQ(matcher["involuntary_total"], 7);
  EXPECT_EQ(matcher["run_delay_total_ns"], 123456);
  EXPECT_EQ(matcher["run_queue_depth"].dump(), R"({"count":903,"mean":1.25,"p50":1,"p99":2,"max":4})");
  EXPECT_EQ(matcher["run_queue_latency"].dump(), R"({"count":903,"sum_ns":2709000,"p50_ns":2500,"p99_9_ns":300000,"max_ns":312400})");
  EXPECT_EQ(matcher["off_cpu"].dump(), R"({"count":903,"sum_ns":8000000000,"p50_ns":9000000,"max_ns":12000000,"max_estimated":true})");
  EXPECT_EQ(matcher["kinds"].dump(), R"({"blocked_syscall":900,"user_preemption":3})");
  const Json& idler = json["threads"][1];
  EXPECT_EQ(idler["run_queue_latency"].dump(), R"({"count":0,"sum_ns":0})");
  EXPECT_EQ(idler["run_queue_depth"].dump(), R"({"count":0})");
  EXPECT_FALSE(idler.contains("voluntary_total"));
  EXPECT_FALSE(idler.contains("run_delay_total_ns"));
}

TEST(RenderSwitchesTest, EventsAreListedAndAMigrationHasNoDuration) {
  const Json json = SwitchesJson(SomeSwitches(), true);
  EXPECT_EQ(json["events_incomplete"], false);
  EXPECT_EQ(json["events_floor_ns"], 50'000);
  ASSERT_EQ(json["events"].size(), 2u);
  EXPECT_EQ(json["events"][0]["duration_ns"], 5'000'000);
  EXPECT_EQ(json["events"][0]["preemptor_comm"], "stress");
  EXPECT_FALSE(json["events"][1].contains("duration_ns"));
  EXPECT_EQ(json["events"][1]["migration_reason"], "affinity");
}

TEST(RenderSwitchesTest, WithoutAMinimumDurationNothingIsSaidAboutCompleteness) {
  v1::QueryContextSwitchesResponse response = SomeSwitches();
  response.clear_events();
  const Json json = SwitchesJson(response, false);
  EXPECT_TRUE(json["events"].is_array());
  EXPECT_FALSE(json.contains("events_incomplete"));
}

TEST(RenderSwitchesTest, TextIsATableWithTheAnsweredPercentiles) {
  EXPECT_EQ(SwitchesText(SomeSwitches()),
            "window 9.99s (buckets of 10ms)\n"
            "thread          pid   tid  voluntary  involuntary  migrations  wait sum  wait p50  wait p99.9  wait max  off-CPU sum  off-CPU "
            "max  queue p99\n"
            "matcher        4711  4712        900            3           1    2.71ms     2.5us       300us     312us           8s         "
            "12ms          2\n"
            "idler (ended)  4711  4713          0            0           0       0ns         -           -         -          0ns          "
            "  -          -\n"
            "\n"
            "before end  thread    tid  kind             off-CPU  of it waiting  CPU  to  queue  last runner  in\n"
            "      10ms  matcher  4712  user_preemption      5ms          312us    3   3      2  stress[992]  -\n"
            "       5ms  matcher  4712  migration              -              -    3   1      -  -            affinity\n");
}

TEST(RenderSwitchesTest, OfAllThatIsKeptNoLongerWindowIsAskedFor) {
  EXPECT_EQ(PercentilesLeftOut(SomeSwitches(), {95}, true), "no p95: no thread had the 200 waits that p95 needs\n");
}

TEST(RenderSwitchesTest, PercentilesThatNoThreadHasAreNamedWithWhatTheyNeed) {
  EXPECT_EQ(PercentilesLeftOut(SomeSwitches(), {50, 99.9}, false), "");
  EXPECT_EQ(PercentilesLeftOut(SomeSwitches(), {50, 95, 99.99}, false),
            "no p95, p99.99: no thread had the 200 waits that p95 needs: ask for a longer --window\n");
  EXPECT_EQ(PercentilesLeftOut({}, {50}, false), "") << "without threads there is nothing to explain";
}

TEST(RenderSwitchesTest, TheWindowSaysWhatItLacksAndNothingElse) {
  v1::QueryContextSwitchesResponse response = SomeSwitches();
  response.mutable_window()->set_truncated(true);
  EXPECT_THAT(SwitchesText(response), HasSubstr("(buckets of 10ms), incomplete: a process was attached within it, or part"));
  response.mutable_window()->set_begin_monotonic_ns(993'000'000'000);
  EXPECT_THAT(SwitchesText(response),
              HasSubstr("window 6.99s (buckets of 10ms), shorter than asked: of the time before nothing is kept\n"));
  response.mutable_window()->set_late(true);
  EXPECT_THAT(SwitchesText(response), HasSubstr("nothing is kept, ends early: the daemon is late\n"));
}

TEST(RenderSwitchesTest, OfManyThreadsThoseThatWaitedLongestAreShown) {
  v1::QueryContextSwitchesResponse response = SomeSwitches();
  response.clear_events();
  *response.add_threads() = response.threads(0);
  response.mutable_threads(2)->mutable_thread()->set_comm("late");
  response.mutable_threads(2)->mutable_run_queue_latency()->set_sum_ns(5'000'000);
  const std::string text = SwitchesText(response, 1);
  EXPECT_THAT(text, AllOf(HasSubstr("\nlate  "), Not(HasSubstr("\nmatcher")), HasSubstr("\nand 2 more threads that waited less (--all")));
  EXPECT_THAT(SwitchesText(response, 3), Not(HasSubstr("more thread")));
}

TEST(RenderSwitchesTest, PercentileKeysAreWrittenWithUnderscores) {
  EXPECT_EQ(PercentileKey(50), "p50_ns");
  EXPECT_EQ(PercentileKey(99.9), "p99_9_ns");
  EXPECT_EQ(PercentileKey(99.999), "p99_999_ns");
}

TEST(RenderStatusTest, JsonIsTheContract) {
  const Json json = StatusJson(SomeStatus());
  ExpectNoNulls(json);
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["daemon"]["pid"], 77);
  EXPECT_EQ(json["daemon"]["uptime_ns"], 125'000'000'000);
  EXPECT_EQ(json["daemon"]["rss_bytes"], 20'971'520);
  EXPECT_EQ(json["daemon"]["cpu_share"], 0.0125);
  EXPECT_EQ(json["lost_records"], 0);
  EXPECT_EQ(json["targets"], 1);
  EXPECT_EQ(json["probes"][0]["name"], "switch");
  EXPECT_EQ(json["probes"][0]["run_count"], 13'800'000);
  EXPECT_EQ(json["probes"][0]["mean_ns"], 44.5);
  EXPECT_FALSE(json["probes"][1].contains("mean_ns"));
  EXPECT_EQ(json["drops"][1]["count"], 4);
  EXPECT_EQ(json["loop"]["detection"]["p50_ns"], 1400);
  EXPECT_FALSE(json["clock"].contains("reason"));
}

TEST(RenderStatusTest, TextShowsCostAndOnlyTheDropsThatHappened) {
  const std::string text = StatusText(SomeStatus());
  EXPECT_THAT(text, HasSubstr("hftmond 0.1.0  pid 77  up 2m5s  1 target  0 records lost\n"));
  EXPECT_THAT(text, HasSubstr("1.25 % of a core (1.56s in all), 20.0 MiB resident, 10.0 MiB of BPF maps, 9 threads\n"));
  EXPECT_THAT(text, HasSubstr("tsc at 2400.000 MHz, error 90ns\n"));
  EXPECT_THAT(text, HasSubstr("slow_readers      4  no         spikes dropped for readers\n"));
  EXPECT_THAT(text, Not(HasSubstr("ring_overruns")));
  v1::GetStatusResponse lost = SomeStatus();
  lost.mutable_drops(0)->set_count(3);
  EXPECT_THAT(StatusText(lost), HasSubstr("1 target  0 records lost; data loss: 3 ring_overruns\n"));
}

TEST(RenderStatusTest, StatusNamesProgramsThatWereLeftOutAndWhereTheLoopWent) {
  v1::GetStatusResponse status = SomeStatus();
  EXPECT_THAT(StatusText(status), Not(HasSubstr("left out")));
  v1::ProbeStatus* probe = status.add_probes();
  probe->set_name("on_nmi");
  probe->set_left_out_reason("this kernel has no tracepoint nmi_handler");
  status.mutable_loop()->set_move_count(1);
  status.mutable_loop()->set_cpu_reason("CPU 1, where it was, is offline; not isolated");
  EXPECT_THAT(StatusText(status), HasSubstr("left out: on_nmi: this kernel has no tracepoint nmi_handler\n"));
  EXPECT_THAT(StatusText(status), HasSubstr("moved 1 time: CPU 1, where it was, is offline"));
  const Json json = StatusJson(status);
  EXPECT_EQ(json["probes"].back()["left_out_reason"], "this kernel has no tracepoint nmi_handler");
  EXPECT_FALSE(json["probes"].front().contains("left_out_reason"));
  EXPECT_EQ(json["loop"]["move_count"], 1);
}

TEST(RenderStatusTest, TheHostsClocksAreSaidAndWhatIsNotKnownIsAbsent) {
  const v1::GetStatusResponse status = SomeClocks();
  const std::string text = StatusText(status);
  EXPECT_THAT(text, HasSubstr("time    synchronised to UTC within 250us, rate -2.500 ppm, TAI is UTC + 37 s\n"));
  EXPECT_THAT(text, HasSubstr("ptp     /dev/ptp0 (igc, enp1s0): CLOCK_REALTIME + 37000000250 ns, error 500ns, extended\n"));
  EXPECT_THAT(text, HasSubstr("ptp     /dev/ptp1 (mlx5): may not be opened\n"));
  EXPECT_THAT(text, HasSubstr("epoch   clock epoch 2: the wall clock stepped by 1.5s, at 900.000000005 s of CLOCK_MONOTONIC\n"));
  EXPECT_THAT(text, Not(HasSubstr("started"))) << "the daemon's own start is no step";
  const Json json = StatusJson(status);
  ExpectNoNulls(json);
  const Json& clock = json["clock"];
  EXPECT_EQ(clock["epochs"].size(), 2u);
  EXPECT_EQ(clock["epochs"][0]["end_ns"], 900'000'000'005);
  EXPECT_FALSE(clock["epochs"][1].contains("end_ns"));
  EXPECT_EQ(clock["epochs"][1]["reason"], "wall_step");
  EXPECT_EQ(clock["epochs"][1]["step_ns"], 1'500'000'000);
  EXPECT_EQ(clock["epochs"][1]["time"]["realtime_ns"], 1'767'323'045'000'000'000);
  EXPECT_EQ(clock["run_queue_clocks"][0].dump(), R"({"cpu":3,"offset_ns":-500,"error_ns":1010,"pair_count":9})");
  EXPECT_EQ(clock["kernel_clock"]["tai_offset_ns"], 37'000'000'000);
  EXPECT_EQ(clock["ptp_clocks"][0]["offset_ns"], 37'000'000'250);
  EXPECT_FALSE(clock["ptp_clocks"][1].contains("offset_ns"));
  EXPECT_THAT(StatusText(SomeStatus()), Not(HasSubstr("ptp  ")));
}

TEST(RenderDoctorTest, MissingCapabilityHasItsMend) {
  EXPECT_EQ(DoctorText(SomeCapabilities(), {}),
            "ok       btf                found in sysfs\n"
            "none     hardware_counters  no PMU\n"
            "                            mend: run on bare metal\n");
  EXPECT_EQ(DoctorJson(SomeCapabilities()).dump(),
            R"({"schema_version":1,"capabilities":[)"
            R"({"name":"btf","available":true,"reason":"found in sysfs","mend":"","required":true},)"
            R"({"name":"hardware_counters","available":false,"reason":"no PMU","mend":"run on bare metal","required":false}]})");
}

TEST(RenderTargetsTest, JsonNamesStateAndOptionsInForce) {
  TargetList targets;
  *targets.Add() = SomeTarget(4711);
  const Json json = TargetsJson(targets, {});
  ExpectNoNulls(json);
  EXPECT_EQ(json["targets"][0]["pid"], 4711);
  EXPECT_EQ(json["targets"][0]["state"], "running");
  EXPECT_FALSE(json["targets"][0].contains("parent_pid"));
  EXPECT_EQ(
      json["targets"][0]["options"].dump(),
      R"({"spike_threshold_ns":50000,"probe_groups":["sched"],"cache":false,"numa":false,"follow_children":true,"stacks":"none","waker":false})");
  EXPECT_THAT(TargetsText({}, Ended::kSummarised), HasSubstr("hftmon attach PID"));
}

TEST(RenderTargetsTest, StacksAndWakersAreShownWhereATargetAsksForThem) {
  TargetList targets;
  *targets.Add() = SomeTarget(4711);
  EXPECT_THAT(TargetsText(targets, Ended::kAll), Not(HasSubstr("stacks")));
  *targets.Add() = SomeTarget(4712);
  targets[1].mutable_options()->set_stacks(v1::STACK_CHOICE_USER);
  targets[1].mutable_options()->set_waker(true);
  EXPECT_EQ(TargetsText(targets, Ended::kAll),
            " pid  name     state    threads  not watched  spikes above  blocked above  sampled every  stacks  wakers  children  child of  "
            "held by\n"
            "4711  matcher  running        2            0          50us              -           10ms  -       -       followed         -  "
            "-\n"
            "4712  matcher  running        2            0          50us              -           10ms  user    told    followed         -  "
            "-\n");
  const Json json = TargetsJson(targets, {});
  EXPECT_EQ(json["targets"][1]["options"]["stacks"], "user");
  EXPECT_EQ(json["targets"][1]["options"]["waker"], true);
  RuleList rules;
  rules.Add()->mutable_selector()->set_name("matcher");
  *rules[0].mutable_options() = targets[1].options();
  EXPECT_THAT(RulesText(rules), HasSubstr("50us  user stacks, wakers  "));
}

TEST(WarningsTest, CompleteAnswerHasNone) {
  EXPECT_THAT(WarningsOf(SomeSwitches(), 10'000), IsEmpty());
  EXPECT_THAT(WarningsOf(v1::DetectSpikesRequest(), {}, {}), IsEmpty());
}

TEST(WarningsTest, LossIncompletenessAndLatenessAreEachSaid) {
  v1::DetectSpikesResponse spikes;
  spikes.set_lost_records(3);
  spikes.set_incomplete(true);
  spikes.set_floor_ns(50'000);
  spikes.mutable_window()->set_late(true);
  EXPECT_THAT(WarningsOf({}, spikes, {}),
              ElementsAre(HasSubstr("3 records were lost"), HasSubstr("above 50us only"), HasSubstr("ends early")));
  v1::QueryContextSwitchesResponse switches = SomeSwitches();
  switches.set_events_incomplete(true);
  EXPECT_THAT(WarningsOf(switches, 0), IsEmpty());
}

TEST(WarningsTest, AnIncompleteListOfSpikesNamesItsOneCause) {
  v1::DetectSpikesRequest asked;
  asked.set_threshold_ns(5'000);
  v1::DetectSpikesResponse response;
  response.set_incomplete(true);
  response.set_floor_ns(50'000);
  v1::Window* window = response.mutable_window();
  window->set_begin_monotonic_ns(990'000'000'000);
  window->set_end_monotonic_ns(1'000'000'000'000);
  window->set_requested_ns(10'000'000'000);
  EXPECT_THAT(WarningsOf(asked, response, {}), ElementsAre(AllOf(HasSubstr("a threshold of 5us is below the floor of waits"),
                                                                 HasSubstr("give --threshold 50us"), Not(HasSubstr("overwritten")))));
  // Each target's own, one of which was lowered lately.
  asked.clear_threshold_ns();
  v1::ListTargetsResponse targets;
  *targets.add_targets() = SomeTarget(4711);
  targets.mutable_targets(0)->mutable_options()->set_spike_threshold_ns(20'000);
  EXPECT_THAT(WarningsOf(asked, response, targets), ElementsAre(HasSubstr("a threshold of 20us is below the floor of waits")));
  response.set_floor_ns(5'000);
  EXPECT_THAT(WarningsOf(asked, response, targets), ElementsAre(HasSubstr("stalls go on at once")));
  asked.set_blocked_threshold_ns(10'000);
  EXPECT_THAT(WarningsOf(asked, response, targets), ElementsAre(AllOf(HasSubstr("--blocked 10us is below the floor of blocked intervals"),
                                                                      HasSubstr("attach with --blocked 10us"))));
  window->set_truncated(true);
  window->set_begin_monotonic_ns(997'000'000'000);
  EXPECT_THAT(WarningsOf(asked, response, targets),
              ElementsAre(AllOf(HasSubstr("spikes of more than 3s ago were overwritten"), HasSubstr("--spike-history"))));
  window->set_requested_ns(0);
  EXPECT_THAT(WarningsOf(asked, response, targets), ElementsAre(AllOf(HasSubstr("3s ago were overwritten"), Not(HasSubstr("--window")))));
}

TEST(WarningsTest, AnIncompleteListOfIntervalsNamesItsOneCause) {
  v1::QueryContextSwitchesResponse switches = SomeSwitches();
  switches.set_events_incomplete(true);
  switches.set_run_queue_floor_ns(20'000);
  EXPECT_THAT(WarningsOf(switches, 10'000),
              ElementsAre(AllOf(HasSubstr("--min-duration 10us is below the 50us (--blocked)"), HasSubstr("give 50us or more"),
                                HasSubstr("--blocked 10us"), Not(HasSubstr("overwritten")))));
  EXPECT_THAT(WarningsOf(switches, 50'000), ElementsAre(AllOf(HasSubstr("older ones were overwritten"), HasSubstr("--switch-history"))));
  switches.clear_events_floor_ns();
  EXPECT_THAT(WarningsOf(switches, 500), ElementsAre(AllOf(HasSubstr("holds waits above 20us only"), HasSubstr("--blocked 1us,"))));
}

TEST(WarningsTest, SleepsThatGoOnUntoldAreSaidBesideEveryOtherReason) {
  v1::DetectSpikesRequest asked;
  asked.set_blocked_threshold_ns(1'000'000);
  v1::DetectSpikesResponse response;
  response.set_unfollowed_sleep_count(3);
  EXPECT_THAT(WarningsOf(asked, response, {}), ElementsAre(HasSubstr("3 sleeps more that go on now are told at their end only")));
  response.set_unfollowed_sleep_count(1);
  response.set_incomplete(true);
  EXPECT_THAT(WarningsOf(asked, response, {}), ElementsAre(HasSubstr("below the floor of blocked intervals"),
                                                           HasSubstr("1 sleep more that goes on now is told at its end only")));
}

TEST(SpikeTextTest, ASleepThatBeganBeforeWatchingDidSaysSo) {
  v1::Spike spike = SomeSpike();
  EXPECT_THAT(SpikeText(spike, SomeTime(), absl::UTCTimeZone(), {}), Not(HasSubstr("slept already")));
  EXPECT_FALSE(SpikeJson(spike, SomeTime()).contains("began_before_watching"));
  spike.set_began_before_watching(true);
  EXPECT_THAT(SpikeText(spike, SomeTime(), absl::UTCTimeZone(), {}), HasSubstr("it slept already when watching it began"));
  EXPECT_EQ(SpikeJson(spike, SomeTime())["began_before_watching"], true);
}

TEST(WarningsTest, ThreadsThatNobodyWatchesAreSaid) {
  v1::DetectSpikesResponse spikes;
  spikes.set_unslotted_thread_count(2);
  EXPECT_THAT(WarningsOf({}, spikes, {}), ElementsAre(AllOf(HasSubstr("2 threads were not watched"), HasSubstr("--threads-max"))));
  v1::QueryContextSwitchesResponse switches = SomeSwitches();
  switches.set_unslotted_thread_count(2);
  EXPECT_THAT(WarningsOf(switches, 0), ElementsAre(HasSubstr("2 threads were not watched")));
  EXPECT_EQ(SwitchesJson(switches, false)["unslotted_thread_count"], 2u);
  v1::WatchMetricsResponse metrics;
  metrics.set_unslotted_thread_count(2);
  EXPECT_THAT(MetricsText(metrics, {}, absl::UTCTimeZone()), HasSubstr("2 threads not watched"));
  EXPECT_EQ(MetricsJson(metrics)["unslotted_thread_count"], 2u);
  v1::StreamSpikesResponse announcement;
  announcement.set_unslotted_thread_count(1);
  EXPECT_THAT(WarningsOf(announcement), ElementsAre(HasSubstr("1 thread was not watched")));
}

TEST(JsonTest, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(JsonLine(Json{{"comm", "a\xff"}}), "{\"comm\":\"a\xef\xbf\xbd\"}\n");
}

}  // namespace
}  // namespace hftmon
