#include "daemon/service/spike_notifier.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <vector>

namespace hftmon {
namespace {

class Recorder : public SpikeListener {
 public:
  void OnSpike(const SpikePosition& position, const Spike& spike) override {
    std::lock_guard lock(mutex_);
    ids.push_back(spike.id);
    positions.push_back(position);
  }
  void OnOverwritten(uint64_t count) override {
    std::lock_guard lock(mutex_);
    overwritten += count;
  }
  void OnRoundEnd() override { changed_.notify_all(); }
  // Heard of that many, read or overwritten.
  void Await(uint64_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ids.size() + overwritten >= count; });
  }

  std::vector<uint64_t> ids;
  std::vector<SpikePosition> positions;
  uint64_t overwritten = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

void Append(SpikeHistory* spikes, uint64_t id, bool in_progress = false) {
  Spike spike;
  spike.id = id;
  spike.in_progress = in_progress;
  spikes->Append(&spike);
}

TEST(SpikeNotifierTest, AListenerHearsOnlyOfWhatCameAfterIt) {
  SpikeHistory spikes(16);
  Append(&spikes, 1);
  SpikeNotifier notifier(&spikes);
  Recorder recorder;
  notifier.Subscribe(&recorder);
  Append(&spikes, 2);
  Append(&spikes, 3);
  recorder.Await(2);
  notifier.Unsubscribe(&recorder);
  EXPECT_EQ(recorder.ids, (std::vector<uint64_t>{2, 3}));
  ASSERT_EQ(recorder.positions.size(), 2u);
  EXPECT_EQ(recorder.positions[0].index, 1u);
  EXPECT_EQ(recorder.positions[1].index, 2u);
}

TEST(SpikeNotifierTest, ASecondListenerDoesNotHearWhatTheFirstIsStillOwed) {
  SpikeHistory spikes(1024);
  SpikeNotifier notifier(&spikes);
  Recorder first;
  notifier.Subscribe(&first);
  for (uint64_t id = 1; id <= 600; ++id) Append(&spikes, id);
  Recorder second;
  notifier.Subscribe(&second);
  Append(&spikes, 601);
  first.Await(601);
  second.Await(1);
  notifier.Unsubscribe(&first);
  notifier.Unsubscribe(&second);
  EXPECT_EQ(first.ids.size(), 601u);
  EXPECT_EQ(second.ids, std::vector<uint64_t>{601});
}

TEST(SpikeNotifierTest, TellingsInProgressComeBetweenTheOthersAsTheyWereAppended) {
  SpikeHistory spikes(16);
  SpikeNotifier notifier(&spikes);
  Recorder recorder;
  notifier.Subscribe(&recorder);
  Append(&spikes, 1, true);
  Append(&spikes, 2);
  Append(&spikes, 1, true);
  Append(&spikes, 1);
  recorder.Await(4);
  notifier.Unsubscribe(&recorder);
  EXPECT_EQ(recorder.ids, (std::vector<uint64_t>{1, 2, 1, 1}));
  EXPECT_EQ(recorder.positions[2].ring, SpikeRing::kGoingOn);
  EXPECT_EQ(recorder.positions[2].index, 1u);
}

TEST(SpikeNotifierTest, WhatNobodySubscribedToIsNotCaughtUpLater) {
  SpikeHistory spikes(16);
  SpikeNotifier notifier(&spikes);
  Recorder first;
  notifier.Subscribe(&first);
  notifier.Unsubscribe(&first);
  Append(&spikes, 1);
  Recorder second;
  notifier.Subscribe(&second);
  Append(&spikes, 2);
  second.Await(1);
  notifier.Unsubscribe(&second);
  EXPECT_TRUE(first.ids.empty());
  EXPECT_EQ(second.ids, std::vector<uint64_t>{2});
}

// Holds the notifier inside a round until the history has been lapped.
class Holding : public Recorder {
 public:
  void OnRoundEnd() override {
    Recorder::OnRoundEnd();
    std::unique_lock lock(hold_mutex_);
    entered_ = true;
    hold_changed_.notify_all();
    hold_changed_.wait(lock, [this] { return released_; });
  }
  void AwaitEntered() {
    std::unique_lock lock(hold_mutex_);
    hold_changed_.wait(lock, [this] { return entered_; });
  }
  void LetGo() {
    std::lock_guard lock(hold_mutex_);
    released_ = true;
    hold_changed_.notify_all();
  }

 private:
  std::mutex hold_mutex_;
  std::condition_variable hold_changed_;
  bool entered_ = false;
  bool released_ = false;
};

TEST(SpikeNotifierTest, SpikesOverwrittenBeforeTheyWereReadAreCounted) {
  SpikeHistory spikes(16);
  SpikeNotifier notifier(&spikes);
  Holding listener;
  notifier.Subscribe(&listener);
  Append(&spikes, 1);
  listener.AwaitEntered();
  for (uint64_t id = 2; id <= 101; ++id) Append(&spikes, id);
  listener.LetGo();
  listener.Await(101);
  notifier.Unsubscribe(&listener);
  EXPECT_EQ(listener.ids.size() + listener.overwritten, 101u);
  EXPECT_EQ(listener.overwritten, 84u);
  EXPECT_EQ(listener.ids.back(), 101u);
}

}  // namespace
}  // namespace hftmon
