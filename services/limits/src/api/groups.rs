//! `GroupService`: groups at the edge.

use tonic::{Request, Response, Status, async_trait};
use weir_model::{AccountId, Fields, GroupId, RequestId};
use weir_wire::{
    limits::v1::{group_service_server::GroupService, *},
    parse, status,
};

use super::{Edge, emit, read, refused, token};

type Answer<T> = Result<Response<T>, Status>;
type Ids = Option<(RequestId, GroupId)>;

#[async_trait]
impl GroupService for Edge {
    async fn create_group(&self, request: Request<CreateGroupRequest>) -> Answer<CreateGroupResponse> {
        let call = self.call(&request, "weir.limits.v1.GroupService/CreateGroup")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let ids: Ids = read::step(&mut fields, &message.request_id, ("group_id", &message.group_id), "");
        let name = parse::text(&mut fields, "name", &message.name, read::NAME_LENGTH_MAX);
        let ((request_id, id), name) = fields.finish_with(ids.zip(name)).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.create_group(&call, &id, &name).await.map_err(refused)?;
        Ok(Response::new(CreateGroupResponse { group: Some(emit::group(&done.value)), token: token(&done) }))
    }

    async fn add_member(&self, request: Request<AddMemberRequest>) -> Answer<AddMemberResponse> {
        let call = self.call(&request, "weir.limits.v1.GroupService/AddMember")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let ids: Ids = read::step(&mut fields, &message.request_id, ("group_id", &message.group_id), &message.etag);
        let member = read::member(&mut fields, message.member.as_ref());
        let ((request_id, id), member) = fields.finish_with(ids.zip(member)).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.add_member(&call, &id, &member, &message.etag).await.map_err(refused)?;
        Ok(Response::new(AddMemberResponse { group: Some(emit::group(&done.value)), token: token(&done) }))
    }

    async fn remove_member(&self, request: Request<RemoveMemberRequest>) -> Answer<RemoveMemberResponse> {
        let call = self.call(&request, "weir.limits.v1.GroupService/RemoveMember")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let ids: Ids = read::step(&mut fields, &message.request_id, ("group_id", &message.group_id), &message.etag);
        let member = read::leaver(&mut fields, message.member.as_ref());
        let ((request_id, id), member) = fields.finish_with(ids.zip(member)).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.remove_member(&call, &id, &member, &message.etag).await.map_err(refused)?;
        Ok(Response::new(RemoveMemberResponse { group: Some(emit::group(&done.value)), token: token(&done) }))
    }

    async fn move_member(&self, request: Request<MoveMemberRequest>) -> Answer<MoveMemberResponse> {
        let call = self.call(&request, "weir.limits.v1.GroupService/MoveMember")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let ids: Ids = read::step(&mut fields, &message.request_id, ("group_id", &message.group_id), &message.etag);
        let member = read::member(&mut fields, message.member.as_ref());
        let ((request_id, id), member) = fields.finish_with(ids.zip(member)).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.move_member(&call, &id, &member, &message.etag).await.map_err(refused)?;
        Ok(Response::new(MoveMemberResponse { group: Some(emit::group(&done.value)), token: token(&done) }))
    }

    async fn set_group_limit(&self, request: Request<SetGroupLimitRequest>) -> Answer<SetGroupLimitResponse> {
        let call = self.call(&request, "weir.limits.v1.GroupService/SetGroupLimit")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let ids: Ids = read::step(&mut fields, &message.request_id, ("group_id", &message.group_id), &message.etag);
        let pool = match &message.pool_limit {
            None => Some(None),
            some => parse::non_negative_money(&mut fields, "pool_limit", some.as_ref()).map(Some),
        };
        let ((request_id, id), pool) = fields.finish_with(ids.zip(pool)).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.set_group_limit(&call, &id, pool, &message.etag).await.map_err(refused)?;
        Ok(Response::new(SetGroupLimitResponse { group: Some(emit::group(&done.value)), token: token(&done) }))
    }

    async fn set_group_head(&self, request: Request<SetGroupHeadRequest>) -> Answer<SetGroupHeadResponse> {
        let call = self.call(&request, "weir.limits.v1.GroupService/SetGroupHead")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let ids: Ids = read::step(&mut fields, &message.request_id, ("group_id", &message.group_id), &message.etag);
        let head: Option<Option<AccountId>> =
            parse::optional_id(&mut fields, "head_account_id", &message.head_account_id);
        let ((request_id, id), head) = fields.finish_with(ids.zip(head)).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.set_group_head(&call, &id, head.as_ref(), &message.etag).await.map_err(refused)?;
        Ok(Response::new(SetGroupHeadResponse { group: Some(emit::group(&done.value)), token: token(&done) }))
    }

    async fn list_groups(&self, request: Request<ListGroupsRequest>) -> Answer<ListGroupsResponse> {
        let message = request.get_ref();
        let mut fields = Fields::default();
        let size = read::page_size(&mut fields, message.page_size);
        let size = fields.finish_with(size).map_err(status)?;
        let arguments = ["groups"];
        let after: Option<GroupId> = self.pages.decode(&arguments, &message.page_token).map_err(status)?;
        let mut found = self.context.groups(after.as_ref(), size + 1).await.map_err(refused)?;
        let next_page_token = self.page(&arguments, size, &mut found, |group| group.group_id.to_string());
        Ok(Response::new(ListGroupsResponse { groups: found.iter().map(emit::group).collect(), next_page_token }))
    }
}
