#include "client/cli/verb_examples.h"

namespace hftmon {
namespace {

constexpr std::string_view kProgram = "hftmon ";

constexpr VerbExample kExamples[] = {
    {"hftmon doctor", "what this host can measure, and what helps where it cannot"},
    {"hftmon doctor --json | jq -r '.capabilities[] | select(.available | not) | .name'", "the names alone of what is missing"},
    {"hftmon status", "the daemon's own cost, what it lost, which limit is how full"},
    {"hftmon attach 4711", "watch a process, its threads, and children born from now on"},
    {"hftmon attach --name matcher --threshold 20us",
     "every process of that name, those that start later too; a wait above 20us is a spike"},
    {"hftmon attach 4711 --probes locks --blocked 1ms", "also what it blocks in, and sleeps above 1ms as spikes"},
    {"hftmon attach --cpus 2-5", "whoever runs on CPUs 2 to 5, kernel threads too"},
    {"hftmon detach 4711", "end what attach asked for"},
    {"hftmon detach --all", "watch nothing more, whoever asked for it"},
    {"hftmon targets", "what is watched, by which rule, and who holds it"},
    {"hftmon targets --pause 4711", "keep its history, but let it cost what an unwatched process costs"},
    {"hftmon targets --set 4711 --counters page-faults,context-switches", "count other events of it from now on"},
    {"hftmon run --threshold 50us -- ./my_program --fast", "start a program under watch, print its spikes and a summary"},
    {"hftmon run --quiet --probes memory -- ./my_program", "the summary alone, page faults in it"},
    {"hftmon spikes", "the spikes of the last 10 seconds, each with its causes"},
    {"hftmon spikes --follow --threshold 100us", "those above 100us as they happen, until ^C"},
    {"hftmon spikes -p 4711 --window 60s --fail-on-spike", "for scripts: exit code 2 when the process had one in the last minute"},
    {"hftmon spikes --window all --json | jq -r '[.duration_ns, .kind, .causes[0].actor.comm] | @tsv'",
     "length, kind and main actor of each"},
    {"hftmon switches --window 10s --percentiles 50,99,99.9", "counts, run-queue latency and time off the CPU of each thread"},
    {"hftmon switches -p 4711 --min-duration 100us", "also the single intervals of 100us and more"},
    {"hftmon timeline -p 4711 --window 100ms", "what its threads did, drawn: ran, waited, slept, were interrupted"},
    {"hftmon correlate orders.csv --clock realtime", "which stalls hit the moments of a log: lines of TIME,ID in wall time"},
    {"hftmon correlate orders.csv --before 1ms --json", "stalls up to 1ms before each event, for a program"},
    {"hftmon threads --changes", "how threads are scheduled, where their time went, and what changed"},
    {"hftmon threads -p 4711 --period 1ms", "how late a thread of 1 kHz wakes up"},
    {"hftmon irqs --for 10s", "what interrupts take from each thread in the next 10 seconds, with rates"},
    {"hftmon irqs --affinity", "where each device interrupt may be sent, and whom it hits there"},
    {"hftmon locks", "what threads block in, and whose locks they wait for (attach --probes locks)"},
    {"hftmon inversions --min-duration 1ms", "who waited 1ms for a lock of a less urgent thread, or of one that did not run"},
    {"hftmon memory -p 4711", "page faults, TLB flushes and reclaim of one process (attach --probes memory)"},
    {"hftmon cache -p 4711", "hit ratios, misses, instructions per cycle (attach --cache)"},
    {"hftmon cache -p 4711 --rate 10000 --for 1s", "the same of a thread that spins on a tickless core: an interrupt for each reading"},
    {"hftmon numa", "memory nodes, each device's node, on which nodes the memory of targets lies"},
    {"hftmon numa -p 4711 --growth 5s", "which code of it touches new memory, and on which node"},
    {"hftmon numa --measure", "how far each node's memory is from each node's CPUs"},
    {"hftmon hardware --cpus 2-5", "SMIs, frequency, idle states, throttling, steal (attach --probes hardware)"},
    {"hftmon operations --percentiles 50,99,99.9", "how long the operations took that programs mark themselves"},
    {"hftmon network --interface eth0", "polls, drops, and how long packets took to their readers (attach --probes network)"},
    {"hftmon recommend", "what to change, by what was seen in the last minute: evidence, command, undo"},
    {"hftmon recommend --audit --json | jq -e '.recommendations | length == 0'",
     "for scripts: fails when the host's set-up leaves something to mend"},
    {"hftmon sample --cpus 2 --duration 1s --interval 10us", "what CPU 2 does, looked at each 10us from the daemon's own CPU"},
    {"hftmon sharing 4711 --for 2s", "cache lines that its threads take from each other; needs a PMU, costs interrupts"},
    {"hftmon import perf.data", "what a recording of perf mem, perf c2c or perf record says; no daemon"},
    {"hftmon metrics --count 3", "three snapshots, a second apart"},
    {"hftmon metrics --list", "the names, units and meanings of all metrics"},
    {"hftmon record -p 4711 --duration 10s -o stalls.hftrec", "what its threads do in the next 10 seconds, into a file"},
    {"hftmon record --around 17 -o spike-17.hftrec", "the moments around the spike with that id, of what is kept"},
    {"hftmon export --from stalls.hftrec --format perfetto -o stalls.pftrace", "for ui.perfetto.dev"},
    {"hftmon export --from stalls.hftrec --format html -o stalls.html", "a page to send around; no network"},
    {"hftmon export --from stalls.hftrec --format folded --notional 1e6 --bps-per-us 0.01", "what the stalls cost, for a flame graph"},
    {"hftmon check -p 4711 --duration 10s", "PASS, WARN or FAIL of five modules, with the worst event of each; exit code 2: FAIL"},
    {"hftmon check --cpus 2-5 --module isolation --format junit --output check.xml", "for a continuous integration's page"},
    {"hftmon check -p 4711 --format json | jq -e '.isolation.p99_999_runqueue_ns < 50000'",
     "for scripts: fails also where it is unavailable"},
    {"hftmon top", "a live view of all that is watched, with its latest spikes; q ends it"},
    {"hftmon top -p 4711 --threshold 50us", "of one process alone, watched for as long as top runs; spikes above 50us"},
    {"hftmon mode", "how the daemon's loop polls, on which CPU, and why so"},
    {"hftmon mode economy", "let it sleep: where nobody waits for the answer"},
    {"hftmon quiet on", "market hours: from now on nothing is attached, loaded or reloaded"},
    {"hftmon off", "collect nothing: every program in the kernel returns at its first test"},
    {"hftmon on", "collect again"},
};

}  // namespace

std::span<const VerbExample> AllExamples() {
  return kExamples;
}

std::vector<VerbExample> ExamplesOf(std::string_view verb) {
  std::vector<VerbExample> examples;
  for (const VerbExample& example : kExamples) {
    const std::string_view words = example.command.substr(kProgram.size());
    if (words.substr(0, words.find(' ')) == verb) examples.push_back(example);
  }
  return examples;
}

}  // namespace hftmon
