//! accelerator-metrics: the DCGM exporter's Service serves the four metrics that autoscaling and dashboards need.

use super::{Answer, Block, Check, Ending, Facts, Read, Rule, Step, gpu_operator_health::namespace};
use crate::validate::input::Input;

pub struct AcceleratorMetrics;

/// What must be in the answer.
const REQUIRED: [&str; 4] =
    ["DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_POWER_USAGE"];

/// Seconds during which an exporter that starts may begin to answer.
const PATIENCE: u64 = 60;

impl Check for AcceleratorMetrics {
    fn name(&self) -> &'static str {
        "accelerator-metrics"
    }

    fn about(&self) -> &'static str {
        "One exporter behind the Service nvidia-dcgm-exporter serves the required DCGM metrics; the others are not sampled."
    }

    fn rules(&self, _input: &Input) -> Vec<Rule> {
        Vec::new()
    }

    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step {
        let url = format!("http://nvidia-dcgm-exporter.{}.svc:9400/metrics", namespace(input));
        let read = Read::Http(url.clone());
        let (body, problem) = match facts.get(&read) {
            None => return Step::Read(vec![read]),
            Some(Answer::Http { status: 200, body }) => (body.as_str(), None),
            Some(Answer::Http { status, .. }) => ("", Some(format!("{url} answered {status}"))),
            Some(answer) => ("", Some(format!("{url}: {}", answer.trouble().unwrap_or("no answer")))),
        };
        let absent: Vec<&str> = REQUIRED.into_iter().filter(|metric| !serves(body, metric)).collect();
        let problem =
            problem.or_else(|| (!absent.is_empty()).then(|| format!("metrics missing: {}", absent.join(", "))));
        if let Some(problem) = problem.clone().filter(|_| elapsed < PATIENCE) {
            return Step::Again { after: 5, reads: vec![read], waiting_for: problem };
        }
        let sample = Block::new("DCGM Exporter Metrics (sample)", body.lines().take(8).map(str::to_owned).collect())
            .equivalent(format!("curl -s {url}"));
        let found = |metric: &str| if serves(body, metric) { "FOUND" } else { "MISSING" };
        let lines = REQUIRED.iter().map(|metric| format!("  {metric:<28} {}", found(metric)));
        let required = Block::new("Required DCGM Metrics", lines.collect());
        Ending::of(problem.into_iter().collect(), vec![sample, required])
    }
}

/// A sample line of that metric, not only its help text.
fn serves(body: &str, metric: &str) -> bool {
    body.lines().any(|line| line.strip_prefix(metric).is_some_and(|rest| rest.starts_with(['{', ' '])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::checks::{Outcome, Step};

    #[track_caller]
    fn check(answer: Answer, elapsed: u64, expected: &str) {
        let url = "http://nvidia-dcgm-exporter.gpu-operator.svc:9400/metrics";
        let facts = Facts::of([(Read::Http(url.into()), answer)]);
        let message = match AcceleratorMetrics.next(&Input::default(), &facts, elapsed) {
            Step::Again { waiting_for, .. } => format!("waits: {waiting_for}"),
            Step::End(Ending { outcome: Outcome::Pass, .. }) => "passes".to_owned(),
            Step::End(Ending { outcome: Outcome::Fail(problems), .. }) => format!("fails: {}", problems.join("; ")),
            other => format!("{other:?}"),
        };
        assert!(message.starts_with(expected), "{message}");
    }

    #[test]
    fn help_texts_are_no_metrics() {
        let body: String = REQUIRED.iter().map(|metric| format!("{metric}{{gpu=\"0\"}} 1\n")).collect();
        check(Answer::Http { status: 200, body: body.clone() }, 0, "passes");
        let only_help = body.replace("DCGM_FI_DEV_GPU_TEMP{", "# HELP DCGM_FI_DEV_GPU_TEMP {");
        check(Answer::Http { status: 200, body: only_help.clone() }, 0, "waits: metrics missing: DCGM_FI_DEV_GPU_TEMP");
        check(Answer::Http { status: 200, body: only_help }, 60, "fails: metrics missing: DCGM_FI_DEV_GPU_TEMP");
        check(Answer::Http { status: 503, body: String::new() }, 60, "fails: http://nvidia-dcgm-exporter");
        check(
            Answer::Failed("connection refused".into()),
            60,
            "fails: http://nvidia-dcgm-exporter.gpu-operator.svc:9400/metrics: connection refused",
        );
    }
}
