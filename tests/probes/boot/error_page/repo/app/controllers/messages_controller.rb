class MessagesController < ActionController::Base
  def index
    @turns = Conversations.new(session).turns
  end
end
