module MessagesHelper
  def list_attributes = { data: { controller: "transcript" }, body: 1 }
end
