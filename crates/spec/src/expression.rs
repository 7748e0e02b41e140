//! Free expressions: CEL, checked against an [`Environment`] before a device is ever called.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, SourceInfo};
use cel::{Context, Program, Value};
use serde_json::Value as Json;

use crate::environment::{Environment, Type};

/// A compiled expression.
pub struct Expression {
    source: String,
    program: Program,
}

/// A mistake in an expression, with its place inside the expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mistake {
    pub(crate) code: &'static str,
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// An expression could not be evaluated: a fault of the specification, never of the device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{expression}` could not be evaluated: {reason}")]
pub struct EvaluationError {
    /// The expression.
    pub expression: String,
    /// What went wrong.
    pub reason: String,
}

impl Expression {
    /// Parses an expression; the message names line and column.
    pub fn parse(source: &str) -> Result<Self, EvaluationError> {
        Self::compile(source).map_err(|mistake| EvaluationError {
            expression: source.to_owned(),
            reason: mistake.message,
        })
    }

    pub(crate) fn compile(source: &str) -> Result<Self, Mistake> {
        match Program::compile(source) {
            Ok(program) => Ok(Self {
                source: source.to_owned(),
                program,
            }),
            Err(errors) => {
                let first = errors.errors.first();
                let message = first.map_or_else(|| "not an expression".to_owned(), |e| e.msg.clone());
                let column = first.map_or(1, |e| e.pos.1.max(1)) as usize - 1;
                let start = column.min(source.len().saturating_sub(1));
                Err(Mistake {
                    code: "E0105",
                    span: start..source.len().min(start + 1),
                    message: format!(
                        "not a valid expression: {}",
                        message.lines().next().unwrap_or_default()
                    ),
                    help: None,
                })
            }
        }
    }

    /// The text of the expression.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Holds every name and comparison against an environment; the error is the first mistake.
    pub fn check(&self, environment: &Environment) -> Result<(), EvaluationError> {
        match self.mistakes(environment).into_iter().next() {
            None => Ok(()),
            Some(mistake) => {
                let help = mistake.help.map(|help| format!(" ({help})")).unwrap_or_default();
                Err(EvaluationError {
                    expression: self.source.clone(),
                    reason: mistake.message + &help,
                })
            }
        }
    }

    /// Checks every name and comparison against the environment; the whole must be a bool.
    pub(crate) fn mistakes(&self, environment: &Environment) -> Vec<Mistake> {
        let mut checker = Checker {
            info: self.program.source_info(),
            source: &self.source,
            mistakes: Vec::new(),
        };
        let mut scope: BTreeMap<String, Type> = environment.variables.clone();
        let result = checker.infer(self.program.expression(), &mut scope);
        if checker.mistakes.is_empty() && !matches!(result, Type::Bool | Type::Any) {
            checker.mistakes.push(Mistake {
                code: "E0107",
                span: 0..self.source.len(),
                message: format!(
                    "the expression is of type {}, a condition must be a bool",
                    result.describe()
                ),
                help: Some("compare it with something, for instance `== 200`".to_owned()),
            });
        }
        checker.mistakes
    }

    /// Evaluates the expression to a truth value over JSON values.
    pub fn evaluate(&self, variables: &[(&str, &Json)]) -> Result<bool, EvaluationError> {
        let error = |reason: String| EvaluationError {
            expression: self.source.clone(),
            reason,
        };
        let mut context = Context::default();
        for (name, value) in variables {
            context.add_variable_from_value((*name).to_owned(), to_cel(value));
        }
        match self.program.execute(&context) {
            Ok(Value::Bool(truth)) => Ok(truth),
            Ok(other) => Err(error(format!("it is of type {}, not a bool", other.type_of()))),
            Err(problem) => Err(error(problem.to_string())),
        }
    }

    /// The field paths an expression reads (`msg.sdp.audio.direction`), for showing actual values.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        collect_paths(self.program.expression(), &mut paths);
        paths.dedup();
        paths
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

fn to_cel(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => number
            .as_i64()
            .map_or_else(|| Value::Float(number.as_f64().unwrap_or(f64::NAN)), Value::Int),
        Json::String(text) => Value::String(Arc::new(text.clone())),
        Json::Array(items) => Value::List(Arc::new(items.iter().map(to_cel).collect())),
        Json::Object(fields) => {
            let map: HashMap<_, _> = fields
                .iter()
                .map(|(k, v)| (cel::objects::Key::String(Arc::new(k.clone())), to_cel(v)))
                .collect();
            Value::Map(cel::objects::Map { map: Arc::new(map) })
        }
    }
}

fn path_of(expr: &IdedExpr) -> Option<String> {
    match &expr.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) => Some(format!("{}.{}", path_of(&select.operand)?, select.field)),
        Expr::Call(call) if call.func_name == "_[_]" => match call.args.as_slice() {
            [operand, index] => match &index.expr {
                Expr::Literal(LiteralValue::String(key)) => {
                    Some(format!("{}.{}", path_of(operand)?, key.inner()))
                }
                _ => path_of(operand),
            },
            _ => None,
        },
        _ => None,
    }
}

fn collect_paths(expr: &IdedExpr, paths: &mut Vec<String>) {
    if let Some(path) = path_of(expr) {
        if path.contains('.') && !paths.contains(&path) {
            paths.push(path);
        }
        return;
    }
    match &expr.expr {
        Expr::Call(call) => {
            call.target.iter().for_each(|target| collect_paths(target, paths));
            call.args.iter().for_each(|arg| collect_paths(arg, paths));
        }
        Expr::List(list) => list
            .elements
            .iter()
            .for_each(|element| collect_paths(element, paths)),
        Expr::Comprehension(all) => collect_paths(&all.iter_range, paths),
        Expr::Select(select) => collect_paths(&select.operand, paths),
        _ => {}
    }
}

struct Checker<'a> {
    info: &'a SourceInfo,
    source: &'a str,
    mistakes: Vec<Mistake>,
}

impl Checker<'_> {
    fn span(&self, id: u64) -> Range<usize> {
        let (start, stop) = self.info.offset_for(id).unwrap_or((0, self.source.len() as u32));
        // cel counts characters and the end inclusive
        let byte = |index: usize| {
            self.source
                .char_indices()
                .nth(index)
                .map_or(self.source.len(), |(at, _)| at)
        };
        let start = byte(start as usize);
        let stop = byte(stop as usize + 1).max(start);
        start..stop
    }

    /// The name of a field: the parser only knows where its dot stands.
    fn field_span(&self, id: u64, field: &str) -> Range<usize> {
        let dot = self.span(id);
        let found = self.source.get(dot.start..).and_then(|rest| rest.find(field));
        found.map_or_else(
            || dot.clone(),
            |offset| dot.start + offset..dot.start + offset + field.len(),
        )
    }

    fn mistake(&mut self, code: &'static str, id: u64, message: String, help: Option<String>) {
        let span = self.span(id);
        self.mistakes.push(Mistake {
            code,
            span,
            message,
            help,
        });
    }

    fn infer(&mut self, expr: &IdedExpr, scope: &mut BTreeMap<String, Type>) -> Type {
        match &expr.expr {
            Expr::Unspecified | Expr::Struct(_) | Expr::Map(_) => Type::Any,
            Expr::Literal(value) => match value {
                LiteralValue::Boolean(_) => Type::Bool,
                LiteralValue::Double(_) => Type::Double,
                LiteralValue::Int(_) | LiteralValue::UInt(_) => Type::Int,
                LiteralValue::String(_) => Type::Text,
                LiteralValue::Bytes(_) | LiteralValue::Null => Type::Any,
            },
            Expr::Ident(name) => match scope.get(name) {
                Some(known) => known.clone(),
                None => {
                    let help = near_miss(name, scope.keys().map(String::as_str));
                    self.mistake("E0106", expr.id, format!("unknown name `{name}`"), help);
                    Type::Any
                }
            },
            Expr::Select(select) => match self.infer(&select.operand, scope) {
                Type::Object(fields) => match fields.get(&select.field) {
                    Some(known) => {
                        if select.test {
                            Type::Bool
                        } else {
                            known.clone()
                        }
                    }
                    None => {
                        let help = near_miss(&select.field, fields.keys().map(String::as_str));
                        let span = self.field_span(expr.id, &select.field);
                        let message = format!("there is no field `{}` here", select.field);
                        self.mistakes.push(Mistake {
                            code: "E0106",
                            span,
                            message,
                            help,
                        });
                        Type::Any
                    }
                },
                Type::Map(of) => {
                    if select.test {
                        Type::Bool
                    } else {
                        *of
                    }
                }
                Type::Any => Type::Any,
                other => {
                    self.mistake(
                        "E0107",
                        expr.id,
                        format!(
                            "a value of type {} has no field `{}`",
                            other.describe(),
                            select.field
                        ),
                        None,
                    );
                    Type::Any
                }
            },
            Expr::List(list) => {
                let types: Vec<Type> = list
                    .elements
                    .iter()
                    .map(|element| self.infer(element, scope))
                    .collect();
                let first = types.first().cloned().unwrap_or(Type::Any);
                if types.iter().all(|one| *one == first) {
                    Type::List(Box::new(first))
                } else {
                    Type::List(Box::new(Type::Any))
                }
            }
            Expr::Comprehension(all) => {
                let element = match self.infer(&all.iter_range, scope) {
                    Type::List(of) => *of,
                    Type::Map(_) => Type::Text,
                    _ => Type::Any,
                };
                let mut inner = scope.clone();
                inner.insert(all.iter_var.clone(), element);
                inner.insert(all.accu_var.clone(), Type::Any);
                self.infer(&all.loop_step, &mut inner);
                Type::Any
            }
            Expr::Call(call) => self.infer_call(expr.id, call, scope),
        }
    }

    fn infer_call(
        &mut self,
        id: u64,
        call: &cel::common::ast::CallExpr,
        scope: &mut BTreeMap<String, Type>,
    ) -> Type {
        let target = call.target.as_ref().map(|target| self.infer(target, scope));
        let args: Vec<Type> = call.args.iter().map(|arg| self.infer(arg, scope)).collect();
        match (call.func_name.as_str(), args.as_slice()) {
            ("_&&_" | "_||_", sides) => {
                for (side, arg) in sides.iter().zip(&call.args) {
                    if !matches!(side, Type::Bool | Type::Any) {
                        self.mistake(
                            "E0107",
                            arg.id,
                            format!("`&&` and `||` join bools, this is {}", side.describe()),
                            None,
                        );
                    }
                }
                Type::Bool
            }
            ("!_" | "@not_strictly_false", _) => Type::Bool,
            ("_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_", [left, right]) => {
                if !comparable(left, right) {
                    self.mistake(
                        "E0107",
                        id,
                        format!(
                            "a value of type {} is compared with one of type {}",
                            left.describe(),
                            right.describe()
                        ),
                        Some("the two can never be equal; quote the text or drop the quotes".to_owned()),
                    );
                }
                Type::Bool
            }
            ("@in", [element, range]) => {
                match range {
                    Type::List(of) if !comparable(element, of) => self.mistake(
                        "E0107",
                        id,
                        format!(
                            "a value of type {} is looked for in a list of {}",
                            element.describe(),
                            of.describe()
                        ),
                        None,
                    ),
                    Type::List(_) | Type::Map(_) | Type::Any => {}
                    other => self.mistake(
                        "E0107",
                        id,
                        format!("`in` wants a list, this is {}", other.describe()),
                        None,
                    ),
                }
                Type::Bool
            }
            ("_[_]", [operand, _]) => match operand {
                Type::List(of) | Type::Map(of) => (**of).clone(),
                _ => Type::Any,
            },
            ("_?_:_", [_, yes, _]) => yes.clone(),
            ("_+_" | "_-_" | "_*_" | "_/_" | "_%_", [left, right]) => {
                let mixed = matches!(
                    (left, right),
                    (Type::Int, Type::Double) | (Type::Double, Type::Int)
                );
                if mixed || !comparable(left, right) {
                    let help = mixed.then(|| "CEL does not convert by itself: write double(...)".to_owned());
                    self.mistake(
                        "E0107",
                        id,
                        format!("{} and {} cannot be combined", left.describe(), right.describe()),
                        help,
                    );
                }
                left.clone()
            }
            ("-_", [one]) => one.clone(),
            ("contains" | "startsWith" | "endsWith" | "matches", _) if target.is_some() => {
                if !matches!(target, Some(Type::Text | Type::Any | Type::List(_))) {
                    self.mistake(
                        "E0107",
                        id,
                        format!("`{}` is asked of something that is not text", call.func_name),
                        None,
                    );
                }
                Type::Bool
            }
            ("size", _) => Type::Int,
            ("double", _) => Type::Double,
            ("int", _) => Type::Int,
            ("string", _) => Type::Text,
            (name, _) => {
                let known = [
                    "contains",
                    "startsWith",
                    "endsWith",
                    "size",
                    "int",
                    "double",
                    "string",
                    "has",
                    "all",
                    "exists",
                ];
                let help = near_miss(name, known.into_iter());
                self.mistake("E0106", id, format!("unknown function `{name}`"), help);
                Type::Any
            }
        }
    }
}

fn comparable(left: &Type, right: &Type) -> bool {
    match (left, right) {
        (Type::Any, _) | (_, Type::Any) => true,
        (Type::Int | Type::Double, Type::Int | Type::Double) => true,
        (Type::List(a), Type::List(b)) | (Type::Map(a), Type::Map(b)) => comparable(a, b),
        (a, b) => a == b,
    }
}

/// The known name nearest to a misspelt one, as a hint.
pub(crate) fn near_miss<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut names: Vec<&str> = known.filter(|k| !k.starts_with('@')).collect();
    names.sort_by_key(|candidate| distance(name, candidate));
    let best = names.first().copied()?;
    if distance(name, best) <= 1 + name.len() / 3 {
        return Some(format!("did you mean `{best}`?"));
    }
    names.sort_unstable();
    Some(format!("known here: {}", names.join(", ")))
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut previous = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substitution = previous + usize::from(x != *y);
            previous = row[j + 1];
            row[j + 1] = substitution.min(previous + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::{message_environment, rtp_environment};
    use serde_json::json;

    fn mistakes(source: &str) -> Vec<(&'static str, String)> {
        let environment = message_environment(&["invite".to_owned()]);
        match Expression::compile(source) {
            Ok(expression) => expression
                .mistakes(&environment)
                .into_iter()
                .map(|m| (m.code, source[m.span].to_owned()))
                .collect(),
            Err(mistake) => vec![(mistake.code, String::new())],
        }
    }

    #[test]
    fn good_expressions_pass() {
        for good in [
            "msg.status == 200",
            "msg.sdp.audio.direction in ['sendonly', 'inactive']",
            "marks.invite.sdp.audio.payload_types.exists(p, p in msg.sdp.audio.payload_types)",
            "msg.sdp.audio.payload_types.all(p, p in marks.invite.sdp.audio.payload_types)",
            "'INVITE' in msg.allow && has(msg.header.contact)",
            "msg.header['content-type'].startsWith('application/')",
            "msg.cseq.number == marks.invite.cseq.number + 1",
        ] {
            assert_eq!(mistakes(good), vec![], "{good}");
        }
    }

    #[test]
    fn misspelt_fields_and_senseless_comparisons_are_named() {
        assert_eq!(mistakes("msg.statsu == 200")[0], ("E0106", "statsu".to_owned()));
        assert_eq!(mistakes("msg.status == '200'")[0].0, "E0107");
        assert_eq!(mistakes("marks.invte.status == 200")[0].0, "E0106");
        assert_eq!(mistakes("msg.status")[0].0, "E0107");
        assert_eq!(mistakes("msg.status ==")[0].0, "E0105");
        assert_eq!(mistakes("mgs.status == 1")[0], ("E0106", "mgs".to_owned()));
        assert_eq!(mistakes("'x' in msg.status")[0].0, "E0107");
        assert_eq!(mistakes("msg.allow.all(a, a == 3)")[0].0, "E0107");
    }

    #[test]
    fn whole_numbers_and_others_compare_but_do_not_combine() {
        let variables = json!({"timestamp_step": 160, "mean_interval_ms": 20.0});
        let environment = rtp_environment(&[]);
        let comparison = Expression::parse("rtp.timestamp_step > rtp.mean_interval_ms").unwrap();
        assert!(comparison.mistakes(&environment).is_empty());
        assert!(comparison.evaluate(&[("rtp", &variables)]).unwrap());
        let product = Expression::parse("rtp.timestamp_step * 2.0 > rtp.mean_interval_ms").unwrap();
        assert_eq!(product.mistakes(&environment)[0].code, "E0107");
        assert!(product.evaluate(&[("rtp", &variables)]).is_err());
        let converted = Expression::parse("double(rtp.timestamp_step) * 2.0 > rtp.mean_interval_ms").unwrap();
        assert!(converted.mistakes(&environment).is_empty());
        assert!(converted.evaluate(&[("rtp", &variables)]).unwrap());
    }

    #[test]
    fn evaluates_and_reports_evaluation_errors() {
        let expression = Expression::parse("rtp.packets > 100 && rtp.jitter_ms < 5").unwrap();
        assert!(expression.mistakes(&rtp_environment(&[])).is_empty());
        assert!(
            expression
                .evaluate(&[("rtp", &json!({"packets": 150, "jitter_ms": 0.5}))])
                .unwrap()
        );
        assert!(
            !expression
                .evaluate(&[("rtp", &json!({"packets": 50, "jitter_ms": 0.5}))])
                .unwrap()
        );
        assert!(expression.evaluate(&[("rtp", &json!({"packets": 150}))]).is_err());
        assert_eq!(expression.paths(), vec!["rtp.packets", "rtp.jitter_ms"]);
    }
}
