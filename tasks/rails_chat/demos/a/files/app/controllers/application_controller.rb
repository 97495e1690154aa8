class ApplicationController < ActionController::Base
  private

  def conversation_id
    session[:conversation_id] ||= SecureRandom.uuid
  end

  def conversations
    @conversations ||= ConversationStore.new
  end
end
