//! A template's instructions, with a call before each whose work the engine does not count.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::Arc,
};

use minijinja::{
    AutoEscape, Environment, Error,
    machinery::{
        CompiledTemplate, Instruction, Instructions, TemplateConfig, eval, make_string_output,
    },
    syntax::SyntaxConfig,
    value::Value,
};
use self_cell::self_cell;

use super::work::Use;

self_cell!(
    /// A template that is ready to be rendered.
    pub(super) struct Program {
        owner: String,

        #[covariant]
        dependent: CompiledTemplate,
    }
);

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(self.borrow_owner()).finish()
    }
}

/// What a rendering gives.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) text: String,
    /// The work that it took.
    pub(super) fuel: u64,
}

impl Program {
    /// Compiles a template.
    pub(super) fn compile(name: &'static str, text: String) -> Result<Self, Error> {
        Self::try_new(text, |text| {
            let config = TemplateConfig {
                syntax_config: SyntaxConfig::default(),
                default_auto_escape: Arc::new(|_| AutoEscape::None),
            };
            let mut compiled = CompiledTemplate::new(name, text, &config)?;
            compiled.instructions = weighed(&compiled.instructions);
            let blocks: BTreeMap<_, _> =
                compiled.blocks.iter().map(|(name, block)| (*name, weighed(block))).collect();
            compiled.blocks = blocks;
            Ok(compiled)
        })
    }

    /// The names that it reads and does not set itself.
    pub(super) fn variables(&self) -> HashSet<String> {
        let environment = Environment::empty();
        let plain = environment.template_from_str(self.borrow_owner());
        plain.map(|plain| plain.undeclared_variables(false)).unwrap_or_default()
    }

    /// Renders with these values, in an environment where [`super::work::install`] was done.
    pub(super) fn render(
        &self,
        environment: &Environment<'static>,
        values: Value,
    ) -> Result<Output, Error> {
        self.with_dependent(|_, compiled| {
            let CompiledTemplate { instructions, blocks, .. } = compiled;
            let mut text = String::new();
            let mut output = make_string_output(&mut text);
            let result =
                eval(environment, instructions, values, blocks, &mut output, AutoEscape::None);
            let (_, state) = result?;
            let fuel = state.fuel_levels().map_or(0, |(used, _)| used);
            Ok(Output { text, fuel })
        })
    }
}

/// How an instruction uses how many operands (none: the top of the stack says how many), where the
/// engine does not count that.
fn used(instruction: &Instruction<'_>) -> Option<(Use, Option<u16>)> {
    use Instruction as I;
    // Of more operands than that the last ones are weighed.
    let few = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    Some(match instruction {
        I::Eq | I::Ne | I::Lt | I::Lte | I::Gt | I::Gte => (Use::Compared, Some(2)),
        I::CompareAndPreserve(_) => (Use::Chained, Some(2)),
        I::In => (Use::Contained, Some(2)),
        I::StringConcat => (Use::Passed, Some(2)),
        I::GetItem => (Use::LookedUp, Some(2)),
        I::SetAttr(_) => (Use::Assigned, Some(2)),
        I::BuildList(count) => (Use::Passed, count.map(few)),
        I::BuildTuple(count) => (Use::Passed, count.map(few)),
        I::BuildMap(pairs) => (Use::Read, Some(few(2 * pairs))),
        I::ApplyFilter(name, count, _) => match *name {
            // These look at no item, or only at one.
            "length" | "count" | "first" | "last" | "default" | "d" | "attr" | "safe" | "abs"
            | "bool" => return None,
            _ => (Use::Read, *count),
        },
        I::PerformTest(name, count, _) => match *name {
            "defined" | "undefined" | "none" | "boolean" | "true" | "false" | "number"
            | "integer" | "int" | "float" | "string" | "mapping" | "iterable" | "sequence"
            | "sameas" | "odd" | "even" | "divisibleby" => return None,
            "in" => (Use::Contained, *count),
            "startingwith" | "endingwith" | "upper" | "lower" => (Use::Read, *count),
            _ => (Use::Compared, *count),
        },
        I::CallFunction(_, count) => (Use::Passed, *count),
        I::CallObject(count) => (Use::Called, *count),
        I::CallMethod("cycle", count) => (Use::Cycled, *count),
        I::CallMethod(_, count) => (Use::Called, *count),
        _ => return None,
    })
}

/// The same instructions, and a call before each that is [`used`] so.
fn weighed<'a>(plain: &Instructions<'a>) -> Instructions<'a> {
    let all = || (0..).map_while(|place| plain.get(place).map(|found| (place, found)));
    // Where each goes, the end among them.
    let (mut places, mut next) = (Vec::new(), 0);
    for (_, instruction) in all() {
        places.push(next);
        next += match used(instruction) {
            None => 1,
            Some((_, None)) => 3,
            Some((_, Some(_))) => 4,
        };
    }
    places.push(next);
    let moved = |target: u32| places.get(target as usize).copied().unwrap_or(target);
    let mut weighed = Instructions::new(plain.name(), plain.source());
    for (place, instruction) in all() {
        let mut add = |instruction| match plain.get_line(place) {
            Some(line) => weighed.add_with_line(instruction, line as u16),
            None => weighed.add(instruction),
        };
        if let Some((used, count)) = used(instruction) {
            add(Instruction::CallFunction(used.name(), count));
            // Back onto the stack, with their number on top, which is wanted only where it was before.
            add(Instruction::UnpackLists(1));
            if count.is_some() {
                add(Instruction::DiscardTop);
            }
        }
        add(match instruction.clone() {
            Instruction::Iterate(target) => Instruction::Iterate(moved(target)),
            Instruction::Jump(target) => Instruction::Jump(moved(target)),
            Instruction::JumpIfFalse(target) => Instruction::JumpIfFalse(moved(target)),
            Instruction::JumpIfFalseOrPop(target) => Instruction::JumpIfFalseOrPop(moved(target)),
            Instruction::JumpIfTrueOrPop(target) => Instruction::JumpIfTrueOrPop(moved(target)),
            Instruction::BuildMacro(name, target, flags) => {
                Instruction::BuildMacro(name, moved(target), flags)
            }
            other => other,
        });
    }
    weighed
}
