//! The way out while something of ours goes on: the question, its answers, and what is shown until the end.

use super::State;
use crate::{
    validate::event::Way,
    workbench::{
        effect::Effect,
        model::CheckView,
        overlay::{Kind, Overlay},
        panes::Need,
        question::{Answer, Question},
    },
};

impl State {
    /// Leaves; asks first where a run or a deploy is active.
    pub(super) fn ask_quit(&mut self) -> Vec<Effect> {
        if self.model.run.active {
            self.ask_quit_run();
        } else if self.model.deploy.active {
            let goes_on = format!("The deploy of {} is still going on.", self.model.deploy.progress.bundle);
            let lines =
                vec![goes_on, String::new(), "Leaving cancels it; the next deploy continues from there.".to_owned()];
            let choices = ["stay", "cancel the deploy and leave"];
            self.desk.overlay = Some(Overlay::question(Question::Quit, "leave?", &lines, choices));
        } else {
            self.quit = true;
        }
        Vec::new()
    }

    /// What the question says of the run goes on while it is asked; the answer that was chosen stays, where it still leads to the
    /// same.
    pub(super) fn update_quit(&mut self) {
        let Some(Overlay { kind: Kind::Question { question: Question::Quit, answers, chosen }, table, copy, .. }) =
            &self.desk.overlay
        else {
            return;
        };
        if !self.model.run.active {
            return;
        }
        let (before, top) = (copy.clone(), table.top);
        let leads = answers.get(*chosen).and_then(|answer| answer.leads.clone());
        let kept = self.desk.overlay.take();
        self.ask_quit_run();
        let Some(Overlay { kind: Kind::Question { answers, chosen, .. }, table, copy, .. }) = &mut self.desk.overlay
        else {
            return;
        };
        if *copy == before {
            self.desk.overlay = kept;
            return;
        }
        // What is no longer an answer is not answered by the one in its place.
        *chosen = answers.iter().position(|answer| answer.leads == leads).unwrap_or_default();
        table.top = top;
    }

    fn ask_quit_run(&mut self) {
        let goes_on = format!("Run {} is still going on.", self.model.run.id);
        let jobs = self.jobs_to_leave();
        if jobs.is_empty() {
            let lines = vec![goes_on, String::new(), "Leaving cancels it and removes what it created.".to_owned()];
            let choices = ["stay", "cancel the run and leave"];
            self.desk.overlay = Some(Overlay::question(Question::Quit, "leave?", &lines, choices));
            return;
        }
        let open = || self.model.run.checks.iter().filter(|check| check.result.is_none());
        let names = |of: &dyn Fn(&CheckView) -> bool| -> Vec<&str> {
            open().filter(|check| of(check)).map(|check| check.planned.name.as_str()).collect()
        };
        let waiting = names(&|check| check.started_ms.is_none());
        let here = names(&|check| check.started_ms.is_some() && check.planned.way == Way::InProcess);
        let mut lines = vec![goes_on, String::new(), "leave the Jobs:".to_owned()];
        lines.push(format!("  They go on and end by themselves: {}.", jobs.join(", ")));
        if !waiting.is_empty() {
            let why = "because this program starts them";
            lines.push(format!("  Checks that have not begun are not started, {why}: {}.", waiting.join(", ")));
        }
        if !here.is_empty() {
            let here = here.join(", ");
            lines.push(format!("  Checks that read over our own connection end with this program: {here}."));
        }
        lines
            .push("  This program removes nothing: how to see and to remove it is said when it has closed.".to_owned());
        lines.extend([String::new(), "cancel and leave:".to_owned()]);
        lines.push("  The Jobs end, and what the run created is removed.".to_owned());
        let answers = vec![
            Answer::no("stay"),
            Answer::to("leave the Jobs", Question::Leave),
            Answer::to("cancel and leave", Question::Quit),
        ];
        self.desk.overlay = Some(Overlay::question_of(Question::Quit, "leave?", &lines, answers));
    }

    /// The checks whose Jobs would go on without this program: a demo cluster ends with it, and so does what is being canceled.
    fn jobs_to_leave(&self) -> Vec<String> {
        let run = &self.model.run;
        if self.start.demo || run.canceling {
            return Vec::new();
        }
        let goes_on =
            |check: &&CheckView| check.result.is_none() && check.started_ms.is_some() && check.planned.way == Way::Job;
        run.checks.iter().filter(goes_on).map(|check| check.planned.name.clone()).collect()
    }

    /// The Jobs go on, and the workbench ends.
    pub(super) fn leave_run(&mut self) -> Vec<Effect> {
        self.quit = true;
        vec![Effect::LeaveRun]
    }

    /// Until the workbench closes: a run cleans up, or what was asked for last is answered.
    pub(in crate::workbench) fn show_leaving(&mut self, leaves_jobs: bool) {
        self.dirty = true;
        if leaves_jobs {
            let lines = vec![
                format!("Run {} is left. Requests that are under way are waited for.", self.model.run.id),
                String::new(),
                "The workbench closes when they are answered. Ctrl-C leaves at once.".to_owned(),
            ];
            self.desk.overlay = Some(Overlay::notice("leaving", &lines));
            return;
        }
        let is_deploy = self.model.deploy.active;
        self.model.run.canceling = !is_deploy;
        self.model.deploy.canceling = is_deploy;
        self.desk.mark(if is_deploy { Need::Deploy } else { Need::Run });
        if is_deploy {
            let lines = vec![
                "The deploy is canceled; Helm is asked to end.".to_owned(),
                String::new(),
                "The workbench closes when that is done. Ctrl-C leaves at once; the next deploy continues from there."
                    .to_owned(),
            ];
            self.desk.overlay = Some(Overlay::notice("canceling", &lines));
            return;
        }
        let lines = vec![
            format!("Run {} is canceled; what it created is being removed.", self.model.run.id),
            String::new(),
            "The workbench closes when that is done. Ctrl-C leaves at once, and says how to remove the rest."
                .to_owned(),
        ];
        self.desk.overlay = Some(Overlay::notice("cleaning up", &lines));
    }
}
