//! `PolicyService`: policies at the edge.

use tonic::{Request, Response, Status, async_trait};
use weir_model::{Fields, PolicyId, RequestId};
use weir_wire::{
    limits::v1::{policy_service_server::PolicyService, *},
    parse, status,
};

use super::{Edge, emit, read, refused, token};

type Answer<T> = Result<Response<T>, Status>;

#[async_trait]
impl PolicyService for Edge {
    async fn create_policy(&self, request: Request<CreatePolicyRequest>) -> Answer<CreatePolicyResponse> {
        let call = self.call(&request, "weir.limits.v1.PolicyService/CreatePolicy")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let request_id: Option<RequestId> = parse::id(&mut fields, "request_id", &message.request_id);
        let rules = read::rules(&mut fields, message.rules.as_ref());
        let (request_id, rules) = fields.finish_with(request_id.zip(rules)).map_err(status)?;
        if message.validate_only {
            let policy = Policy {
                state: PolicyState::Draft.into(),
                rules: Some(emit::rules(&rules)),
                created_by: call.principal.subject.to_string(),
                ..Policy::default()
            };
            return Ok(Response::new(CreatePolicyResponse { policy: Some(policy), token: None }));
        }
        let call = call.with_request_id(Some(request_id));
        let done = self.context.create_policy(&call, &rules).await.map_err(refused)?;
        Ok(Response::new(CreatePolicyResponse { policy: Some(emit::policy(&done.value)), token: token(&done) }))
    }

    async fn activate_policy(&self, request: Request<ActivatePolicyRequest>) -> Answer<ActivatePolicyResponse> {
        let call = self.call(&request, "weir.limits.v1.PolicyService/ActivatePolicy")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let f = &mut fields;
        let ids: Option<(RequestId, PolicyId)> =
            read::step(f, &message.request_id, ("policy_id", &message.policy_id), "");
        let effective = parse::optional_date(f, "effective_date", message.effective_date.as_ref());
        parse::in_order(f, "effective_date", Some(call.today), effective.flatten());
        let ((request_id, id), effective) = fields.finish_with(ids.zip(effective)).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.activate_policy(&call, &id, effective.unwrap_or(call.today)).await.map_err(refused)?;
        Ok(Response::new(ActivatePolicyResponse { policy: Some(emit::policy(&done.value)), token: token(&done) }))
    }

    async fn get_policy(&self, request: Request<GetPolicyRequest>) -> Answer<GetPolicyResponse> {
        let call = self.call(&request, "weir.limits.v1.PolicyService/GetPolicy")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let id: Option<Option<PolicyId>> = parse::optional_id(&mut fields, "policy_id", &message.policy_id);
        let as_of = parse::optional_date(&mut fields, "as_of_date", message.as_of_date.as_ref());
        let (id, as_of) = fields.finish_with(id.zip(as_of)).map_err(status)?;
        let found = match id {
            Some(id) => self.context.policy(&id).await,
            None => self.context.policy_on(as_of.unwrap_or(call.today)).await,
        };
        Ok(Response::new(GetPolicyResponse { policy: Some(emit::policy(&found.map_err(refused)?)) }))
    }

    async fn list_policies(&self, request: Request<ListPoliciesRequest>) -> Answer<ListPoliciesResponse> {
        let message = request.get_ref();
        let mut fields = Fields::default();
        let size = read::page_size(&mut fields, message.page_size);
        let size = fields.finish_with(size).map_err(status)?;
        let arguments = ["policies"];
        let after: Option<PolicyId> = self.pages.decode(&arguments, &message.page_token).map_err(status)?;
        let mut found = self.context.policies(after.as_ref(), size + 1).await.map_err(refused)?;
        let next_page_token = self.page(&arguments, size, &mut found, |policy| policy.policy_id.to_string());
        Ok(Response::new(ListPoliciesResponse { policies: found.iter().map(emit::policy).collect(), next_page_token }))
    }
}
