#include "client/export/perfetto_trace.h"

#include <map>

#include "client/export/perfetto_packets.h"
#include "client/export/perfetto_sched.h"
#include "client/export/perfetto_slices.h"
#include "client/export/perfetto_tracks.h"

namespace hftmon {
namespace {

namespace pb = perfetto::protos;

void AddClock(pb::BuiltinClock clock, int64_t time_ns, pb::ClockSnapshot* snapshot) {
  pb::ClockSnapshot::Clock* reading = snapshot->add_clocks();
  reading->set_clock_id(clock);
  reading->set_timestamp(static_cast<uint64_t>(time_ns));
}

void WriteClocks(const Recording& recording, PerfettoPackets* packets) {
  pb::TracePacket packet;
  pb::ClockSnapshot* snapshot = packet.mutable_clock_snapshot();
  AddClock(pb::BUILTIN_CLOCK_MONOTONIC, recording.begin_ns, snapshot);
  AddClock(pb::BUILTIN_CLOCK_BOOTTIME, recording.begin_ns, snapshot);
  AddClock(pb::BUILTIN_CLOCK_REALTIME, recording.ToRealtime(recording.begin_ns), snapshot);
  snapshot->set_primary_trace_clock(pb::BUILTIN_CLOCK_MONOTONIC);
  packets->Write(&packet);
}

void WriteSystem(const Recording& recording, PerfettoPackets* packets) {
  pb::TracePacket packet;
  pb::Utsname* name = packet.mutable_system_info()->mutable_utsname();
  name->set_sysname("Linux");
  name->set_release(recording.kernel);
  packet.mutable_system_info()->set_tracing_service_version("hftmon " + recording.recorder_version);
  packets->Write(&packet);
}

// Names of processes and threads, for rows that are made of switches.
void WriteProcesses(const Recording& recording, PerfettoTracks* tracks, PerfettoPackets* packets) {
  std::map<int32_t, std::string> names;
  for (const RecordedThread& thread : recording.threads) {
    std::string& name = names[thread.id.pid];
    if (name.empty() || thread.id.tid == thread.id.pid) name = thread.id.comm;
  }
  pb::TracePacket packet;
  packet.set_timestamp(static_cast<uint64_t>(recording.begin_ns));
  pb::ProcessTree* tree = packet.mutable_process_tree();
  for (const auto& [pid, name] : names) {
    pb::ProcessTree::Process* process = tree->add_processes();
    process->set_pid(pid);
    process->add_cmdline(name);
  }
  for (const RecordedThread& thread : recording.threads) {
    pb::ProcessTree::Thread* told = tree->add_threads();
    told->set_tid(thread.id.tid);
    told->set_tgid(thread.id.pid);
    told->set_name(thread.id.comm);
  }
  pb::ProcessTree::Thread* unknown_waker = tree->add_threads();
  unknown_waker->set_tid(kUnknownWakerTid);
  unknown_waker->set_tgid(kUnknownWakerTid);
  unknown_waker->set_name("waker not known");
  packets->Write(&packet);
  for (const auto& [pid, name] : names) tracks->Process(pid, name);
  for (const RecordedThread& thread : recording.threads) tracks->Thread(thread.id.pid, thread.id.tid, thread.id.comm);
}

}  // namespace

std::string PerfettoTrace(const Recording& recording) {
  std::string bytes;
  PerfettoPackets packets(pb::BUILTIN_CLOCK_MONOTONIC, &bytes);
  PerfettoTracks tracks(&packets);
  // Clocks first: no time can be converted before.
  WriteClocks(recording, &packets);
  WriteSystem(recording, &packets);
  WriteProcesses(recording, &tracks, &packets);
  WriteSched(recording, &packets);
  WriteSlices(recording, &tracks, &packets);
  return bytes;
}

}  // namespace hftmon
