class MessagesController < ApplicationController
  def create
    session[:conversation_id] ||= SecureRandom.uuid
    ConversationStore.add(session[:conversation_id], params[:text])
  end
end
